//! `tenantctl migrate …`.

mod apply;
mod status;

use crate::cli::MigrateCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(super) async fn run(command: MigrateCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        MigrateCommand::Apply(args) => apply::run(args, context).await,
        MigrateCommand::Status(args) => status::run(args, context).await,
    }
}

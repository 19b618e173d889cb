//! `tenantctl seed …`.

mod apply;
mod list;

use crate::cli::SeedCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(super) async fn run(command: SeedCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        SeedCommand::Apply(args) => apply::run(args, context).await,
        SeedCommand::List => list::run(context),
    }
}

//! `tenantctl seed …`.

mod apply;
mod list;

use crate::cli::SeedCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

/// Runs one of them.
pub(super) async fn run(command: SeedCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        SeedCommand::Apply(args) => apply::run(args, context).await,
        SeedCommand::List => list::run(context),
    }
}

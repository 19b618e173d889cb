//! Runs the subcommands of `tenantctl seed`, each from its own file.

use super::{apply, list};
use crate::cli::SeedCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: SeedCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        SeedCommand::Apply(args) => apply::run(args, context).await,
        SeedCommand::List(args) => list::run(&args, context),
    }
}

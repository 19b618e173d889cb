//! Runs the subcommands of `tenantctl migrate`, each from its own file.

use super::{apply, export, lint, new, records, status};
use crate::cli::MigrateCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: MigrateCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        MigrateCommand::Apply(args) => apply::run(args, context).await,
        MigrateCommand::Status(args) => status::run(args, context).await,
        MigrateCommand::New(args) => new::run(args, context),
        MigrateCommand::Export(args) => export::run(args, context),
        MigrateCommand::Lint(args) => lint::run(args, context),
        MigrateCommand::Repair(args) => records::repair(args, context).await,
        MigrateCommand::Baseline(args) => records::baseline(args, context).await,
    }
}

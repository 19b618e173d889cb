//! Runs the subcommands of `tenantctl migrate`, each from its own file.

use super::{apply, export, lint, new, records, resume, runs, status};
use crate::cli::{MigrateCommand, OnDemand};
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: MigrateCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        MigrateCommand::Apply(args) => apply::run(args, context).await,
        MigrateCommand::Resume(args) => resume::run(args, context).await,
        MigrateCommand::Runs(args) => {
            runs::run(args.command.map(|OnDemand(command)| command), context).await
        }
        MigrateCommand::Status(args) => status::run(args, context).await,
        MigrateCommand::New(args) => new::run(args, context),
        MigrateCommand::Export(args) => export::run(args, context),
        MigrateCommand::Lint(args) => lint::run(args, context),
        MigrateCommand::Repair(args) => records::repair(args, context).await,
        MigrateCommand::Baseline(args) => records::baseline(args, context).await,
    }
}

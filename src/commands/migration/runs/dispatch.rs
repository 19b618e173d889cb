//! Runs the subcommands of `tenantctl migrate runs`, each from its own file; without one it lists.

use super::{change, list, show, watch};
use crate::cli::{RunsCommand, RunsListArgs};
use crate::commands::context::Context;
use crate::output::{Ending, Failure};
use crate::services::fleet::Change;

pub(in crate::commands::migration) async fn run(
    command: Option<RunsCommand>,
    context: &Context,
) -> Result<Ending, Failure> {
    match command {
        None => list::run(RunsListArgs::default(), context).await,
        Some(RunsCommand::List(args)) => list::run(args, context).await,
        Some(RunsCommand::Show(args)) => show::run(args, context).await,
        Some(RunsCommand::Watch(args)) => watch::run(args, context).await,
        Some(RunsCommand::Pause(args)) => change::run(args, Change::Pause, context).await,
        Some(RunsCommand::Cancel(args)) => change::run(args, Change::Cancel, context).await,
    }
}

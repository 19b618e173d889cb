//! Runs the subcommands of `tenantctl session`, each from its own file.

use super::{check, issue, list, prune, revoke, show};
use crate::cli::SessionCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: SessionCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        SessionCommand::Issue(args) => issue::run(args, context).await,
        SessionCommand::List(args) => list::run(args, context).await,
        SessionCommand::Show(args) => show::run(args, context).await,
        SessionCommand::Check(args) => check::run(args, context).await,
        SessionCommand::Prune(args) => prune::run(args, context).await,
        SessionCommand::Revoke(args) => revoke::run(args, context).await,
    }
}

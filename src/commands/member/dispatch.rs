//! Runs the subcommands of `tenantctl member`, each from its own file.

use super::{add, list, remove};
use crate::cli::MemberCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: MemberCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        MemberCommand::List(args) => list::run(args, context).await,
        MemberCommand::Add(args) => add::run(args, context).await,
        MemberCommand::Remove(args) => Box::pin(remove::run(args, context)).await,
    }
}

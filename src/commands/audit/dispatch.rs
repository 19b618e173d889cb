//! Runs the subcommands of `tenantctl audit`, each from its own file.

use super::{export, list, verify};
use crate::cli::AuditCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: AuditCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        AuditCommand::List(args) => list::run(*args, context).await,
        AuditCommand::Verify => verify::run(context).await,
        AuditCommand::Export => export::run(context).await,
    }
}

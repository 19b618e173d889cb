//! `tenantctl audit …`.

mod export;
mod list;
mod verify;

use crate::cli::AuditCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(super) async fn run(command: AuditCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        AuditCommand::List(args) => list::run(args, context).await,
        AuditCommand::Verify => verify::run(context).await,
        AuditCommand::Export => export::run(context).await,
    }
}

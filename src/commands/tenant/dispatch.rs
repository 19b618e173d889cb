//! Runs the subcommands of `tenantctl tenant`, each from its own file.

use super::{
    adopt, connect, create, delete, list, protect, purge, restore, rotate, show, update, url,
};
use crate::cli::TenantCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: TenantCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        TenantCommand::Create(args) => create::run(args, context).await,
        TenantCommand::Adopt(args) => adopt::run(args, context).await,
        TenantCommand::List(args) => list::run(args, context).await,
        TenantCommand::Show(args) => show::run(args, context).await,
        TenantCommand::Url(args) => url::run(args, context).await,
        TenantCommand::Connect(args) => connect::run(args, context).await,
        TenantCommand::Rotate(args) => rotate::run(args, context).await,
        TenantCommand::Update(args) => update::run(args, context).await,
        TenantCommand::Protect(args) => protect::run(args, true, context).await,
        TenantCommand::Unprotect(args) => protect::run(args, false, context).await,
        TenantCommand::Delete(args) => delete::run(args, context).await,
        TenantCommand::Restore(args) => restore::run(args, context).await,
        TenantCommand::Purge(args) => purge::run(args, context).await,
    }
}

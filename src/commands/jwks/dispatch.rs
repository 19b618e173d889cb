//! Runs the subcommands of `tenantctl jwks`, each from its own file.

use super::{clear, refresh, show};
use crate::cli::JwksCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: JwksCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        JwksCommand::Show(args) => show::run(args, context).await,
        JwksCommand::Refresh(args) => refresh::run(args, context).await,
        JwksCommand::Clear(args) => clear::run(args, context),
    }
}

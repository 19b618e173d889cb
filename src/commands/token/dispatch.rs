//! Runs the subcommands of `tenantctl token`, each from its own file.

use super::{decode, explain, verify};
use crate::cli::TokenCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: TokenCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        TokenCommand::Verify(args) => verify::run(args, context).await,
        TokenCommand::Explain(args) => explain::run(args, context).await,
        TokenCommand::Decode(args) => decode::run(&args, context),
    }
}

//! `tenantctl token …`.

mod decode;
mod explain;
mod input;
mod verify;

use crate::cli::TokenCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(super) async fn run(command: TokenCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        TokenCommand::Verify(args) => verify::run(args, context).await,
        TokenCommand::Explain(args) => explain::run(args, context).await,
        TokenCommand::Decode(args) => decode::run(&args, context),
    }
}

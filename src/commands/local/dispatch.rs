//! Runs the subcommands of `tenantctl local`, each from its own file.

use super::{destroy, down, status, up, url};
use crate::cli::LocalCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) async fn run(command: LocalCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        LocalCommand::Up(args) => up::run(args, context).await,
        LocalCommand::Down(args) => down::run(&args, context).await,
        LocalCommand::Status => status::run(context).await,
        LocalCommand::Url(args) => url::run(&args, context),
        LocalCommand::Destroy(args) => destroy::run(&args, context).await,
    }
}

//! Runs the subcommands of `tenantctl config`, each from its own file.

use super::{init, path, show};
use crate::cli::ConfigCommand;
use crate::commands::context::Context;
use crate::output::{Ending, Failure};

pub(crate) fn run(command: &ConfigCommand, context: &Context) -> Result<Ending, Failure> {
    match command {
        ConfigCommand::Show(args) => show::run(args, context),
        ConfigCommand::Path => path::run(context),
        ConfigCommand::Init => init::run(context)?,
    }
    Ok(None)
}

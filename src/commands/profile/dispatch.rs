//! Runs the subcommands of `tenantctl profile`, each from its own file.

use super::list;
use crate::cli::ProfileCommand;
use crate::commands::context::Context;

pub(crate) fn run(command: &ProfileCommand, context: &Context) {
    match command {
        ProfileCommand::List => list::run(context),
    }
}

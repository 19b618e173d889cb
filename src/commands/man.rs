//! `tenantctl man`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure};

/// Prints the manual: the page of tenantctl itself, then one for each command.
pub(super) fn run(context: &Context) -> Result<Ending, Failure> {
    let mut root = Cli::command();
    root.build();
    let mut page = Vec::new();
    render(&root, &mut page)
        .map_err(|error| Failure::new(ErrorKind::Internal, format!("write the manual: {error}")))?;
    context.console().raw(&String::from_utf8_lossy(&page));
    Ok(None)
}

fn render(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(page)?;
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        render(child, page)?;
    }
    Ok(())
}

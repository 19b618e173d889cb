//! `tenantctl completions`.

use crate::cli::{CompletionsArgs, Shell};
use crate::commands::context::Context;

/// Prints a shell's completion script, which runs tenantctl at each Tab.
pub(super) fn run(args: &CompletionsArgs, context: &Context) {
    context.console().raw(match args.shell {
        Shell::Bash => include_str!("../../completions/tenantctl.bash"),
        Shell::Zsh => include_str!("../../completions/_tenantctl"),
        Shell::Fish => include_str!("../../completions/tenantctl.fish"),
        Shell::PowerShell => include_str!("../../completions/tenantctl.ps1"),
    });
}

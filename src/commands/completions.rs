//! `tenantctl completions`.

use clap_complete::env::Shells;

use crate::cli::{CompletionsArgs, Shell};
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure};

pub(super) fn run(args: &CompletionsArgs, context: &Context) -> Result<Ending, Failure> {
    context.console().raw(&registration(args.shell)?);
    Ok(None)
}

/// Returns a shell's completion script, which runs tenantctl at each Tab.
pub(super) fn registration(shell: Shell) -> Result<String, Failure> {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::PowerShell => "powershell",
    };
    let broken = || Failure::new(ErrorKind::Internal, format!("write completions for {name}"));
    let shells = Shells::builtins();
    let completer = shells.completer(name).ok_or_else(broken)?;
    let mut script = Vec::new();
    completer
        .write_registration("COMPLETE", "tenantctl", "tenantctl", "tenantctl", &mut script)
        .map_err(|_| broken())?;
    String::from_utf8(script).map_err(|_| broken())
}

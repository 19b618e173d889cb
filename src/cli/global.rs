//! The options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use super::values::duration;
use crate::model::Actor;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One line of JSON for each item
    Ndjson,
    /// A list as CSV
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Returns the options that every command takes, as a page of the manual shows them.
pub(crate) fn global_options(root: &clap::Command) -> String {
    let options = root.get_arguments().filter(|argument| argument.is_global_set());
    let options: Vec<_> = options.cloned().map(|option| option.hide(false)).collect();
    let page = clap::Command::new("options").disable_help_flag(true).args(options);
    let mut page = page.help_template("{options}").max_term_width(80);
    page.render_long_help().to_string()
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Shape of the result on stdout
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        hide_possible_values = true,
        value_name = "table|json|ndjson|csv"
    )]
    pub output: OutputFormat,
    /// Profile of the config file to use
    ///
    /// Also set by `TENANTCTL_PROFILE`.
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Config file to use instead of ./tenantctl.toml and the user's own
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|always|never"
    )]
    pub color: ColorChoice,
    /// Print the result and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Show where settings come from; -vv also statements and requests (repeatable)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Answer y/N questions with yes; never enough to delete or purge
    #[arg(long, global = true)]
    pub yes: bool,
    /// Never prompt; refuse instead
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Longest time for the command as a whole; without it each wait has its own limit
    ///
    /// Servers, locks and rows that others hold included. Each wait is limited to 30 seconds by
    /// default, for a new project to 10 minutes. What ran out, and what stands, is told.
    #[arg(long, global = true, value_parser = duration, value_name = "DURATION")]
    pub timeout: Option<Duration>,
    /// Actor recorded in the audit trail
    ///
    /// Also set by `TENANTCTL_ACTOR`; the default is user@machine.
    #[arg(long, global = true, value_name = "WHO")]
    pub actor: Option<Actor>,
}

//! What every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use super::values::duration;
use crate::model::Actor;

/// The shape of the result on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One line of JSON for each item
    Ndjson,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The flags that stand for every command.
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
        value_name = "table|json|ndjson"
    )]
    pub output: OutputFormat,
    /// Profile of the config file to use
    ///
    /// `TENANTCTL_PROFILE` names it as well.
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Config file to use instead of ./tenantctl.toml and the user's own
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Use of colour
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
    /// Show where settings come from; twice also statements and requests (repeatable)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Answer y/N questions with yes; never enough to delete or purge
    #[arg(long, global = true)]
    pub yes: bool,
    /// Never ask; refuse instead
    #[arg(long, global = true)]
    pub no_input: bool,
    /// How long to wait for what is locked or slow (30s, for a project to come up 10m)
    #[arg(long, global = true, value_parser = duration, value_name = "DURATION")]
    pub timeout: Option<Duration>,
    /// Who acts, for the audit trail
    ///
    /// `TENANTCTL_ACTOR` names it as well; user@machine when nobody does.
    #[arg(long, global = true, value_name = "WHO")]
    pub actor: Option<Actor>,
}

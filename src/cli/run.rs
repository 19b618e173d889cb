//! `tenantctl migrate runs` and `migrate resume`.

use clap::{Args, Subcommand};

use super::on_demand::OnDemand;
use crate::model::{Reason, RunId};

#[derive(Debug, Args)]
pub struct RunsArgs {
    #[command(subcommand)]
    pub command: Option<OnDemand<RunsCommand>>,
}

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List the newest runs
    #[command(after_help = "\
Examples:
  tenantctl migrate runs
  tenantctl migrate runs list --limit 100 -o json")]
    List(RunsListArgs),
    /// Show a run and where each of its tenants stands
    ///
    /// What failed is grouped by its cause. A run with many tenants shows what is out of the ordinary;
    /// `-o json` has all of them.
    #[command(after_help = "\
Examples:
  tenantctl migrate runs show 12
  tenantctl migrate runs show 12 -o json")]
    Show(RunArgs),
    /// Follow a run that other processes work on, until it is over or paused
    #[command(after_help = "\
Examples:
  tenantctl migrate runs watch 12")]
    Watch(RunArgs),
    /// Keep a run from starting anything new
    ///
    /// What runs is finished and recorded. `migrate resume RUN` goes on.
    #[command(after_help = "\
Examples:
  tenantctl migrate runs pause 12
  tenantctl migrate runs pause 12 --reason 'the office is asleep'")]
    Pause(RunChangeArgs),
    /// End a run before everybody had their turn
    ///
    /// What runs is finished and recorded, and nothing is taken back. It is not resumed.
    #[command(after_help = "\
Examples:
  tenantctl migrate runs cancel 12 --reason 'V8 is too slow'")]
    Cancel(RunChangeArgs),
}

#[derive(Debug, Args)]
pub struct RunsListArgs {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run's number
    #[arg(value_name = "RUN")]
    pub run: RunId,
}

#[derive(Debug, Args)]
pub struct RunChangeArgs {
    /// The run's number
    #[arg(value_name = "RUN")]
    pub run: RunId,
    /// Why, for the audit trail and for whoever finds it so
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<Reason>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run's number; the newest unfinished one without it
    #[arg(value_name = "RUN")]
    pub run: Option<RunId>,
    /// Give the tenants that failed another turn
    #[arg(long)]
    pub failed: bool,
    /// How many tenants at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Default for RunsListArgs {
    fn default() -> Self {
        Self { limit: 20 }
    }
}

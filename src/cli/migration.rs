//! `tenantctl migrate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::fleet::{FleetArgs, RecordArgs};
use super::run::{ResumeArgs, RunsArgs};
use super::selector::SelectorArgs;
use super::table::ListShapeArgs;
use super::values::{line, title};
use crate::model::{Canary, FailureLimit, Reason};

#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply pending migrations
    ///
    /// Works on several tenants at a time and reports each. A migration that fails is rolled back, the
    /// tenant stays at the version before, and the others go on. More than one tenant makes a run: the
    /// same command or `migrate resume` goes on with it, from any machine.
    #[command(after_help = "\
Examples:
  tenantctl migrate apply --tenant acme
  tenantctl migrate apply --all --jobs 16
  tenantctl migrate apply --all --canary label=tier=internal --max-failures 2%
  tenantctl migrate apply --label tier=gold --exclude acme --dry-run
  tenantctl migrate apply --tenant acme,globex --seed")]
    Apply(ApplyArgs),
    /// Take part in a run, or go on with one that stopped
    ///
    /// Any number of processes on any number of machines may: each takes tenants that nobody else has.
    /// Without a number it is the newest unfinished run. The migrations must be those that the run was
    /// planned with. What a paused run failed with pauses it no more.
    #[command(after_help = "\
Examples:
  tenantctl migrate resume
  tenantctl migrate resume 12 --jobs 16
  tenantctl migrate resume 12 --failed")]
    Resume(ResumeArgs),
    /// List, show, follow, pause and cancel runs
    #[command(after_help = "\
Examples:
  tenantctl migrate runs
  tenantctl migrate runs show 12
  tenantctl migrate runs pause 12 --reason 'the office is asleep'")]
    Runs(RunsArgs),
    /// Show tenants' schema versions
    ///
    /// Reads the control plane's record in one query. With --verify it opens the databases and compares
    /// their own histories, checksums included, and their catalogs with a clean build: a policy that
    /// was dropped or a grant that was added is named. Exit code 10 when a tenant is not up to date.
    #[command(after_help = "\
Examples:
  tenantctl migrate status
  tenantctl migrate status --tenant acme --verify
  tenantctl migrate status --sort version:desc --limit 20 -o csv
  tenantctl migrate status --all --verify -o json")]
    Status(StatusArgs),
    /// Begin a migration of your own
    ///
    /// Makes a file with the next number in the folder of `TENANTCTL_MIGRATIONS_DIR`, or of --dir. It
    /// holds, in a comment, what a table needs here. One rule holds for `migrate apply` and `tenant
    /// create`: the row security of a table with a `tenant_id` is enabled and forced, which
    /// `SELECT tenantctl.protect('public.notes')` does. A table that is shared on purpose is said to be
    /// so by a line of a migration: `-- tenantctl: shared public.currencies because …`.
    #[command(after_help = "\
Examples:
  tenantctl migrate new notes
  tenantctl migrate new add_notes_index --dir db/migrations")]
    New(NewArgs),
    /// Write the embedded migrations into a folder
    ///
    /// With them a folder holds all that a tenant's database gets, whatever a later tenantctl embeds. What
    /// ran anywhere is never edited; a file of your own comes after it. A file that is there with another text is never overwritten.
    #[command(after_help = "\
Examples:
  tenantctl migrate export db/migrations
  tenantctl migrate export db/migrations --dry-run")]
    Export(ExportArgs),
    /// Judge migrations before any tenant gets them
    ///
    /// Reads files and contacts nothing: those that are named, else your own, else the embedded ones.
    /// Finds what `migrate apply` refuses, what keeps a tenant's application waiting or breaks it, and
    /// what lets somebody past row security; `tenantctl help lint` lists the rules. Exit code 10 when
    /// something is found. `-- tenantctl: allow RULE because …` waives a rule in its file. It does not see
    /// data, the size of tables, and what functions and DO blocks do. In GitHub Actions each finding is an
    /// annotation as well.
    #[command(after_help = "\
Examples:
  tenantctl migrate lint
  tenantctl migrate lint supabase/migrations
  tenantctl migrate lint db/V9__notes.sql -o json | jq .findings")]
    Lint(LintArgs),
    /// Accept a file that was edited after it ran, where only its checksum differs
    ///
    /// For a comment or a blank: the history takes the checksum of the file as it is now. The tenant's
    /// catalog has to be that of a clean build of the files as they are now, else nothing is recorded and
    /// what differs is said (exit code 10). Rows are not compared: what a file does to data is on your
    /// word. No migration runs. The audit trail has the reason.
    #[command(after_help = "\
Examples:
  tenantctl migrate repair --all --accept 8 --reason 'a comment' --dry-run
  tenantctl migrate repair --all --accept 8,9 --reason 'a comment'")]
    Repair(RepairArgs),
    /// Record migrations that a database has already
    ///
    /// For a database that was adopted with its tables: the history says that everything up to --at was
    /// applied. The catalog has to be that of a clean build up to there, else nothing is recorded and what
    /// differs is said (exit code 10); tables and functions of its own may stand beside it. Rows are not
    /// compared. No migration runs. The audit trail has the reason. `tenant adopt --baseline` does the
    /// same at once.
    #[command(after_help = "\
Examples:
  tenantctl migrate baseline --tenant acme --at 7 --reason adopted --dry-run
  tenantctl migrate baseline --label from=legacy --at 7 --reason adopted")]
    Baseline(BaselineArgs),
}

#[derive(Debug, Args)]
pub struct RepairArgs {
    /// The versions of the files, separated by commas
    #[arg(long, value_name = "VERSION", required = true, value_delimiter = ',', value_parser = clap::value_parser!(i64).range(0..))]
    pub accept: Vec<i64>,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub change: RecordsArgs,
}

#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// The last version that is there
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub at: i64,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub change: RecordsArgs,
}

#[derive(Debug, Args)]
pub struct RecordsArgs {
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// How many tenants at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Compare and show what would be recorded, and record nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub fleet: FleetArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

#[derive(Debug, Args)]
pub struct LintArgs {
    /// Files, or folders of them, instead of the configured one
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct NewArgs {
    /// What the migration does, as in `notes` or `add_notes_index`
    #[arg(value_name = "NAME", value_parser = title)]
    pub name: String,
    /// The folder, instead of the configured one; made when it is missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Show which file would be made and make none
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The folder; made when it is missing
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Show which files would be written and write none
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Stop at this version
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub target: Option<i64>,
    /// Apply sample data afterwards
    #[arg(long, value_name = "SET", num_args = 0..=1, require_equals = true, default_missing_value = "demo", value_parser = line)]
    pub seed: Option<String>,
    /// How many tenants at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Who goes first, and must be done without a failure before the others begin
    #[arg(long, value_name = "N|label=K=V")]
    pub canary: Option<Canary>,
    /// How many tenants may fail before nothing new is started; any number without it
    #[arg(long, value_name = "N|N%")]
    pub max_failures: Option<FailureLimit>,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<Reason>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub fleet: FleetArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Open the databases and compare histories and catalogs
    #[arg(long)]
    pub verify: bool,
    /// How many databases at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    #[command(flatten)]
    pub shape: ListShapeArgs,
    #[command(flatten)]
    pub record: RecordArgs,
    // Last, since its help heading holds for every option after it. All tenants when none is chosen.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

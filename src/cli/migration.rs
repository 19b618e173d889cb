//! `tenantctl migrate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::selector::SelectorArgs;
use super::values::{line, title};

#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply pending migrations
    ///
    /// Works on several tenants at a time and reports each. A migration that fails is rolled back, the
    /// tenant stays at the version before, and the others go on. Run it again to continue.
    #[command(after_help = "\
Examples:
  tenantctl migrate apply --tenant acme
  tenantctl migrate apply --all --jobs 16
  tenantctl migrate apply --label tier=gold --exclude acme --dry-run
  tenantctl migrate apply --tenant acme,globex --seed")]
    Apply(ApplyArgs),
    /// Show tenants' schema versions
    ///
    /// Reads the control plane's record in one query. With --verify it opens the databases and compares
    /// their own histories, checksums included, and their catalogs with a clean build: a policy that
    /// was dropped or a grant that was added is named. Exit code 10 when a tenant is not up to date.
    #[command(after_help = "\
Examples:
  tenantctl migrate status
  tenantctl migrate status --tenant acme --verify
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
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
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
    // Last, since its help heading holds for every option after it. All tenants when none is chosen.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

//! `tenantctl lockdown` and `tenantctl unlock`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete::tenants;
use crate::model::{Reason, Slug};

#[derive(Debug, Args)]
pub struct LockdownArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Slug,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

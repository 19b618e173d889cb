//! `tenantctl lockdown` and `tenantctl unlock`.

use clap::Args;

use super::selector::SelectorArgs;
use crate::model::{Reason, TenantRef};

#[derive(Debug, Args)]
pub struct LockdownArgs {
    /// Slugs or ids of the tenants
    #[arg(id = "named", value_name = "TENANT")]
    pub named: Vec<TenantRef>,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

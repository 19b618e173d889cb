//! `tenantctl lockdown` and `tenantctl unlock`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete::tenants;
use crate::model::{Reason, TenantRef};

#[derive(Debug, Args)]
pub struct LockdownArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT", add = ArgValueCompleter::new(tenants))]
    pub tenant: TenantRef,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

//! `tenantctl lockdown` and `tenantctl unlock`.

use clap::Args;

use super::fleet::RecordArgs;
use super::selector::SelectorArgs;
use crate::model::{Reason, TenantRef};

#[derive(Debug, Args)]
pub struct LockdownArgs {
    /// Shut gate, login and connections from the cluster alone, when the control plane is away
    ///
    /// The tenant is found by the stamps on the cluster. The next `lockdown` or `unlock` that reaches
    /// the control plane takes it over.
    #[arg(long, requires = "named", conflicts_with_all = ["tenant", "all", "label", "status", "locked", "exclude", "from_file"])]
    pub without_control_plane: bool,
    // Last, since its help headings hold for every option after it.
    #[command(flatten)]
    pub act: LockArgs,
}

#[derive(Debug, Args)]
pub struct LockArgs {
    /// Slugs or ids of the tenants
    #[arg(id = "named", value_name = "TENANT")]
    pub named: Vec<TenantRef>,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub record: RecordArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

//! The options that select tenants, the same for every command that takes several.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::model::{Label, TenantRef, TenantStatus};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which tenants")]
pub struct SelectorArgs {
    /// These tenants by slug or id, separated by commas
    #[arg(long, value_name = "TENANT,…", value_delimiter = ',', conflicts_with = "all")]
    pub tenant: Vec<TenantRef>,
    /// Every tenant
    #[arg(long)]
    pub all: bool,
    /// Tenants with this label (repeatable: with all of them)
    #[arg(long, value_name = "K=V")]
    pub label: Vec<Label>,
    /// Tenants in this status
    #[arg(long, value_name = "STATUS")]
    pub status: Option<TenantStatus>,
    /// Tenants that are locked down
    #[arg(long)]
    pub locked: bool,
    /// Tenants to leave out, separated by commas
    #[arg(long, value_name = "TENANT,…", value_delimiter = ',')]
    pub exclude: Vec<TenantRef>,
    /// Accept that no tenant has the labels or the status, instead of exit code 4
    #[arg(long)]
    pub allow_empty: bool,
    /// File with tenants, one on each line; `-` is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from_file: Option<PathBuf>,
}

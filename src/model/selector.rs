//! Which tenants a fleet command means.

use super::label::Label;
use super::slug::Slug;
use super::tenant_status::TenantStatus;

/// A choice of tenants, the same for every command that takes several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// These tenants by name; each must exist.
    pub slugs: Vec<Slug>,
    /// Every tenant.
    pub all: bool,
    /// Tenants that carry all of these labels.
    pub labels: Vec<Label>,
    /// Tenants in this status.
    pub status: Option<TenantStatus>,
    /// Never these.
    pub exclude: Vec<Slug>,
}

impl Selector {
    /// Returns whether anything at all was chosen; `--exclude` alone chooses nothing.
    pub fn is_empty(&self) -> bool {
        self.slugs.is_empty() && !self.all && self.labels.is_empty() && self.status.is_none()
    }
}

//! The tenants that a fleet command is about.

use super::label::Label;
use super::slug::Slug;
use super::tenant_status::TenantStatus;

/// Tenants named by slug, and beside them those that `labels` and `status` both fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// Each must exist.
    pub slugs: Vec<Slug>,
    pub all: bool,
    /// A tenant must have all of them.
    pub labels: Vec<Label>,
    pub status: Option<TenantStatus>,
    /// Each must exist.
    pub exclude: Vec<Slug>,
    /// Whether labels and a status may fit no tenant.
    pub allows_none: bool,
}

impl Selector {
    /// Returns whether nothing was chosen; `--exclude` alone chooses nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.slugs.is_empty() && !self.all && self.labels.is_empty() && self.status.is_none()
    }

    /// Returns whether it means all tenants, of which there may be none.
    pub(crate) fn is_everybody(&self) -> bool {
        self.all && self.labels.is_empty() && self.status.is_none()
    }
}

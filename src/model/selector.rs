//! The tenants that a fleet command is about.

use super::label::Label;
use super::tenant_names::TenantNames;
use super::tenant_ref::TenantRef;
use super::tenant_status::TenantStatus;

/// Tenants named one by one, and beside them those that `labels`, `status` and `locked` all fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// Each must exist.
    pub tenants: Vec<TenantRef>,
    pub all: bool,
    /// A tenant must have all of them.
    pub labels: Vec<Label>,
    pub status: Option<TenantStatus>,
    /// Only tenants that are locked down.
    pub locked: bool,
    /// Each must exist.
    pub exclude: Vec<TenantRef>,
    /// Whether labels and a status may fit no tenant.
    pub allows_none: bool,
    /// Whose skipping is a failure.
    pub demand: Demand,
}

/// Which tenants must not be skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Those that are named one by one.
    #[default]
    Named,
    All,
}

impl Selector {
    /// Returns whether nothing was chosen; `--exclude` alone chooses nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.tenants.is_empty() && !self.all && !self.is_by_property()
    }

    /// Says whether skipping a tenant that is not named is a failure as well.
    #[must_use]
    pub(crate) fn failing_on_skipped(self, wants_all: bool) -> Self {
        Self { demand: if wants_all { Demand::All } else { Demand::Named }, ..self }
    }

    /// Returns whether skipping this tenant is a failure: it was named, or all are wanted.
    pub(crate) fn demands(&self, tenant: &TenantNames) -> bool {
        self.demand == Demand::All || self.tenants.iter().any(|named| named.is(tenant))
    }

    /// Returns whether it means tenants by what they are.
    pub(crate) fn is_by_property(&self) -> bool {
        !self.labels.is_empty() || self.status.is_some() || self.locked
    }

    /// Returns whether it means all tenants, of which there may be none.
    pub(crate) fn is_everybody(&self) -> bool {
        self.all && !self.is_by_property()
    }
}

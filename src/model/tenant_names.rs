//! Both names of a tenant.

use std::fmt;

use super::ids::TenantId;
use super::slug::Slug;
use super::tenant::Tenant;

/// What rows and tokens carry, and what people type. Sorted and shown by the slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantNames {
    pub id: TenantId,
    pub slug: Slug,
}

impl From<&Tenant> for TenantNames {
    fn from(tenant: &Tenant) -> Self {
        Self { id: tenant.id, slug: tenant.slug.clone() }
    }
}

impl fmt::Display for TenantNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slug.fmt(f)
    }
}

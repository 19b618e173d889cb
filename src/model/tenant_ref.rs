//! A tenant as an operator names it.

use std::fmt;
use std::str::FromStr;

use super::ids::TenantId;
use super::slug::{Slug, SlugError};
use super::tenant::Tenant;
use super::tenant_names::TenantNames;

/// A tenant by its slug, or by its id: what stands in a log or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRef {
    Slug(Slug),
    Id(TenantId),
}

impl TenantRef {
    /// Returns whether this names the tenant.
    pub(crate) fn names(&self, tenant: &Tenant) -> bool {
        match self {
            Self::Slug(slug) => *slug == tenant.slug,
            Self::Id(id) => *id == tenant.id,
        }
    }

    /// Returns whether this is one of a tenant's names.
    pub(crate) fn is(&self, tenant: &TenantNames) -> bool {
        match self {
            Self::Slug(slug) => *slug == tenant.slug,
            Self::Id(id) => *id == tenant.id,
        }
    }

    /// Returns the slug, where that names it.
    pub(crate) fn slug(&self) -> Option<&Slug> {
        match self {
            Self::Slug(slug) => Some(slug),
            Self::Id(_) => None,
        }
    }

    /// Returns the id, where that names it.
    pub(crate) fn id(&self) -> Option<TenantId> {
        match self {
            Self::Slug(_) => None,
            Self::Id(id) => Some(*id),
        }
    }
}

impl FromStr for TenantRef {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => text.parse().map(Self::Slug),
        }
    }
}

impl From<TenantId> for TenantRef {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}

impl From<Slug> for TenantRef {
    fn from(slug: Slug) -> Self {
        Self::Slug(slug)
    }
}

impl fmt::Display for TenantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slug(slug) => slug.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_form_of_an_id_is_one() {
        // It begins with a letter, so by its characters alone it could be a slug.
        let id = "a47fac21-3f6e-4c1e-9a57-0c8d5d2a4e11";
        assert!(matches!(id.parse(), Ok(TenantRef::Id(_))));
        assert!(id.parse::<Slug>().is_err());
        assert!(matches!("acme".parse(), Ok(TenantRef::Slug(_))));
        let error = "Acme".parse::<TenantRef>().unwrap_err().to_string();
        assert!(error.starts_with("`A` at position 1"), "{error}");
    }
}

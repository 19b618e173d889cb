//! Proof that the operator confirmed an act on one tenant that cannot be undone.

use time::OffsetDateTime;

use super::slug::Slug;
use super::tenant::Tenant;
use super::tenant_status::TenantStatus;

/// The operator's confirmation that this tenant may be cut off or destroyed.
///
/// `DeleteRequest` and `PurgeRequest` hold one, so a command that does not ask does not compile. It
/// is made from the slug that the operator typed at the prompt or passed with `--confirm`, or from a
/// delete that was confirmed and whose grace is over; `tests/house` refuses other places that make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consent {
    slug: Slug,
}

impl Consent {
    /// Returns a consent when the typed text is the slug, spaces around it aside.
    pub(crate) fn given(slug: &Slug, typed: &str) -> Option<Self> {
        (typed.trim() == slug.as_str()).then(|| Self { slug: slug.clone() })
    }

    /// Returns the consent given with the delete, once its grace is over or a purge was begun.
    pub(crate) fn by_grace(tenant: &Tenant, now: OffsetDateTime) -> Option<Self> {
        let is_due = match tenant.status {
            TenantStatus::Deleted => tenant.purge_after.is_some_and(|at| at <= now),
            TenantStatus::Purging => true,
            _ => false,
        };
        is_due.then(|| Self { slug: tenant.slug.clone() })
    }

    pub(crate) fn slug(&self) -> &Slug {
        &self.slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tenants_own_slug_is_consent() {
        let slug: Slug = "acme".parse().unwrap();
        assert!(Consent::given(&slug, "acme\n").is_some());
        assert!(Consent::given(&slug, "acme2").is_none());
        assert!(Consent::given(&slug, "yes").is_none());
        assert!(Consent::given(&slug, "").is_none());
    }
}

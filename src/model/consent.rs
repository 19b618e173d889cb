//! Proof that the operator confirmed an act on one tenant that cannot be undone.

use time::OffsetDateTime;

use super::tenant::Tenant;
use super::tenant_ref::TenantRef;
use super::tenant_status::TenantStatus;

/// The operator's confirmation that this tenant may be cut off or destroyed.
///
/// `DeleteRequest` and `PurgeRequest` hold one, so a command that does not ask does not compile. It
/// is made from the slug (or the id, where that names the tenant) that the operator typed at the prompt or passed with `--confirm`, or from a
/// delete that was confirmed and whose grace is over; `tests/house` refuses other places that make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consent {
    tenant: TenantRef,
}

impl Consent {
    /// Returns a consent when the typed text is what names the tenant, spaces around it aside.
    pub(crate) fn given(tenant: &TenantRef, typed: &str) -> Option<Self> {
        (typed.trim() == tenant.to_string()).then(|| Self { tenant: tenant.clone() })
    }

    /// Returns the consent given with the delete, once its grace is over or a purge was begun.
    pub(crate) fn by_grace(tenant: &Tenant, now: OffsetDateTime) -> Option<Self> {
        let is_due = match tenant.status {
            TenantStatus::Deleted => tenant.purge_after.is_some_and(|at| at <= now),
            TenantStatus::Purging => true,
            _ => false,
        };
        is_due.then(|| Self { tenant: tenant.id.into() })
    }

    pub(crate) fn tenant(&self) -> &TenantRef {
        &self.tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tenants_own_slug_is_consent() {
        let slug: TenantRef = "acme".parse().unwrap();
        assert!(Consent::given(&slug, "acme\n").is_some());
        assert!(Consent::given(&slug, "acme2").is_none());
        assert!(Consent::given(&slug, "yes").is_none());
        assert!(Consent::given(&slug, "").is_none());
    }
}

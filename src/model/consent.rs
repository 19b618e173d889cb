//! Proof that somebody agreed to something that cannot be taken back.

use time::OffsetDateTime;

use super::slug::Slug;
use super::tenant::Tenant;
use super::tenant_status::TenantStatus;

/// The operator's word that this very tenant may be destroyed or cut off.
///
/// A dangerous request holds one, so a caller that forgot to ask does not compile. Only the
/// command line makes them, after the slug was typed or passed with `--confirm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    slug: Slug,
}

impl Consent {
    /// Returns the consent when what was typed is the slug, else nothing.
    pub fn given(slug: &Slug, typed: &str) -> Option<Self> {
        (typed.trim() == slug.as_str()).then(|| Self { slug: slug.clone() })
    }

    /// Returns the consent that lies in a delete whose grace is over, or in a purge that was begun:
    /// the slug was confirmed then.
    pub fn by_grace(tenant: &Tenant, now: OffsetDateTime) -> Option<Self> {
        let is_due = match tenant.status {
            TenantStatus::Deleted => tenant.purge_after.is_some_and(|at| at <= now),
            TenantStatus::Purging => true,
            _ => false,
        };
        is_due.then(|| Self { slug: tenant.slug.clone() })
    }

    /// Returns the tenant the consent is about.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_slug_is_consent() {
        let slug: Slug = "acme".parse().unwrap();
        assert!(Consent::given(&slug, "acme\n").is_some());
        assert!(Consent::given(&slug, "acme2").is_none());
        assert!(Consent::given(&slug, "yes").is_none());
        assert!(Consent::given(&slug, "").is_none());
    }
}

//! The stamp: whose a database or a role is, written where one query on the cluster shows it.
//!
//! It goes into `COMMENT ON DATABASE` and `COMMENT ON ROLE`, which only an owner can write.

use super::contradiction::Contradiction;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::{Slug, Tenant, TenantId};

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub tenant_id: Uuid,
    /// What people called it when it was stamped.
    pub slug: String,
    /// The control plane that knows the tenant.
    pub control_plane_id: Uuid,
}

/// What a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// There is no comment.
    None,
    /// It is one of ours.
    Of(Identity),
    /// It is something else.
    Foreign,
}

/// A login that was shut without the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShutNote {
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    pub by: String,
    pub reason: String,
    /// The login's `LOGIN` before.
    pub can_login: bool,
}

/// What a comment of ours holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    tenantctl: Identity,
    /// At a login, when it was shut without the control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shut: Option<ShutNote>,
}

impl Envelope {
    /// Reads a comment; nothing when it is not one of ours.
    pub(super) fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment).ok()
    }

    /// Returns the comment of a login.
    pub(super) fn comment(identity: &Identity, shut: Option<&ShutNote>) -> String {
        let envelope = Self { tenantctl: identity.clone(), shut: shut.cloned() };
        serde_json::to_string(&envelope).unwrap_or_else(|_| identity.comment())
    }
}

impl Identity {
    /// Returns the identity a tenant has under a control plane.
    pub(crate) fn of(tenant: &Tenant, control_plane_id: Uuid) -> Self {
        Self::new(tenant.id, &tenant.slug, control_plane_id)
    }

    /// Returns an identity made of its parts.
    pub(crate) fn new(id: TenantId, slug: &Slug, control_plane_id: Uuid) -> Self {
        Self { tenant_id: id.0, slug: slug.as_str().to_owned(), control_plane_id }
    }

    /// Returns the comment that says so.
    pub(super) fn comment(&self) -> String {
        serde_json::json!({ "tenantctl": self }).to_string()
    }

    /// Returns what contradicts that a stamp with these ids is this one; nothing when it is.
    pub(super) fn contradiction_of(
        &self,
        tenant: Uuid,
        control_plane: Uuid,
    ) -> Option<Contradiction> {
        if control_plane != self.control_plane_id {
            return Some(Contradiction::OtherControlPlane { tenant, control_plane });
        }
        (tenant != self.tenant_id).then_some(Contradiction::OtherTenant(tenant))
    }

    /// Returns whether another stamp means the same tenant of the same control plane; a slug may
    /// have been written differently.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.tenant_id == other.tenant_id && self.control_plane_id == other.control_plane_id
    }
}

impl Stamp {
    /// Reads a comment.
    pub(super) fn read(comment: Option<&str>) -> Self {
        match comment {
            None | Some("") => Self::None,
            Some(text) => {
                Envelope::read(text).map_or(Self::Foreign, |envelope| Self::Of(envelope.tenantctl))
            }
        }
    }

    /// Returns what contradicts that this is `expected`'s; nothing when it is.
    pub(crate) fn contradiction(&self, expected: &Identity) -> Option<Contradiction> {
        match self {
            Self::Of(found) => expected.contradiction_of(found.tenant_id, found.control_plane_id),
            Self::None => Some(Contradiction::NoStamp),
            Self::Foreign => Some(Contradiction::ForeignComment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_and_anything_else_is_foreign() {
        let identity = Identity {
            tenant_id: Uuid::from_u128(1),
            slug: "acme".to_owned(),
            control_plane_id: Uuid::from_u128(2),
        };
        let read = Stamp::read(Some(&identity.comment()));
        assert_eq!(read, Stamp::Of(identity.clone()));
        assert_eq!(read.contradiction(&identity), None);
        let other = Identity { control_plane_id: Uuid::from_u128(3), ..identity.clone() };
        assert!(read.contradiction(&other).is_some());
        assert_eq!(Stamp::read(None), Stamp::None);
        assert_eq!(Stamp::read(Some("billing database")), Stamp::Foreign);
    }
}

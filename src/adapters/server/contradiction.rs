//! What contradicts that something is a tenant's, with the evidence.

use std::fmt;

use uuid::Uuid;

/// Evidence against the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// No stamp in the comment.
    NoStamp,
    /// A comment that is not a stamp.
    ForeignComment,
    /// The stamp names another tenant of the same control plane.
    OtherTenant(Uuid),
    /// The stamp names a tenant of another control plane.
    OtherControlPlane {
        /// The tenant it names.
        tenant: Uuid,
        /// That tenant's control plane.
        control_plane: Uuid,
    },
    /// Neither the table `tenantctl.identity` nor its row exists.
    NoIdentity,
    /// The database's oid is not the one that was recorded: it was dropped and created again.
    OtherOid {
        /// The oid it has.
        found: u32,
        /// The oid on record.
        recorded: u32,
    },
    /// The login does not exist.
    NoLogin,
    /// It exists although it was dropped.
    StillThere,
    /// A `DROP DATABASE` was cut short.
    HalfDropped,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStamp => f.write_str("it carries no stamp"),
            Self::ForeignComment => f.write_str("its comment is not a stamp of ours"),
            Self::OtherTenant(tenant) => write!(f, "its stamp names tenant {tenant}"),
            Self::OtherControlPlane { tenant, control_plane } => write!(
                f,
                "its stamp names tenant {tenant} of another control plane ({control_plane})"
            ),
            Self::NoIdentity => f.write_str("it carries no identity"),
            Self::OtherOid { found, recorded } => {
                write!(f, "its oid is {found}, the record says {recorded}")
            }
            Self::NoLogin => f.write_str("it does not exist"),
            Self::StillThere => f.write_str("it still exists"),
            Self::HalfDropped => f.write_str("a DROP DATABASE was cut short"),
        }
    }
}

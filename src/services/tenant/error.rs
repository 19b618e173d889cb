//! Why something could not be done to a tenant.

use super::credential::KeyError;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::local::LocalError;
use crate::adapters::postgres::PgError;
use crate::adapters::server::ServerError;
use crate::model::{Act, Classified, ErrorKind, InternalError, Tenant, TenantStatus};
use crate::services::home::HomeError;
use crate::services::migration::MigrationError;

/// What can go wrong with a tenant's life.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TenantError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The tenant's home.
    #[error(transparent)]
    Home(HomeError),
    #[error(transparent)]
    Internal(#[from] InternalError),
    /// psql, which is of the local Postgres' programs.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A migration or a seed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The key that seals credentials.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no such tenant.
    #[error("find tenant `{0}`: there is none")]
    NotFound(String),
    /// The slug belongs to a tenant that is not what was asked for.
    #[error("{} `{slug}`: it exists already with {}", act.word(), differences.join("; "))]
    SpecDiffers {
        /// Create or adopt.
        act: Act,
        slug: String,
        /// What is different.
        differences: Vec<String>,
    },
    /// The id was used before.
    #[error("{} `{slug}`: the id {id} was used before, and no id is used twice", act.word())]
    IdUsed {
        /// Create or adopt.
        act: Act,
        slug: String,
        id: String,
    },
    /// The tenant is in no state for this.
    #[error("{} `{slug}`: it is {status}", act.word())]
    WrongState { act: Act, slug: String, status: TenantStatus },
    /// A lockdown holds.
    #[error("{} `{slug}`: it is locked down", act.word())]
    Locked { act: Act, slug: String },
    /// The evidence contradicts the record; nothing is touched until a person decided.
    #[error("{} `{slug}`: it is quarantined since {since}: {reason}", act.word())]
    Quarantined {
        act: Act,
        slug: String,
        since: String,
        /// What contradicts the record.
        reason: String,
    },
    /// It is protected against deletion.
    #[error("delete `{0}`: it is protected")]
    Protected(String),
    /// A new database is not what it must be before anybody may use it.
    #[error("verify the database of `{slug}`: {}", findings.join("; "))]
    Unverified {
        slug: String,
        /// What is not as it must be.
        findings: Vec<String>,
        /// What to write into a migration, where one mends it.
        remedy: Option<String>,
    },
    /// The application's password is not kept.
    #[error("show the password of `{0}`: it is not kept")]
    NoCredential(String),
    /// What is to be adopted is another tenant's.
    #[error("adopt {what}: it is `{owner}`'s")]
    Taken {
        /// The database or the project.
        what: String,
        /// The tenant that has it.
        owner: String,
    },
    /// What is to be adopted may not be.
    #[error("adopt {what}: {finding}")]
    Unadoptable { what: String, finding: String },
    /// A step failed; what came before it stays.
    #[error("{} `{slug}`: the step `{title}` failed", act.word())]
    Stopped {
        act: Act,
        slug: String,
        /// The step, as people read it.
        title: &'static str,
        #[source]
        source: Box<TenantError>,
    },
    /// The operator stopped it between two steps.
    #[error("{} `{slug}`: interrupted before the step `{next}`", act.word())]
    Interrupted { act: Act, slug: String, next: &'static str },
}

impl TenantError {
    /// Returns the error about a tenant whose status forbids the act.
    pub(super) fn wrong_state(act: Act, tenant: &Tenant) -> Self {
        Self::WrongState { act, slug: tenant.slug.to_string(), status: tenant.status }
    }

    /// Returns the error about a tenant that is locked down.
    pub(super) fn locked(act: Act, tenant: &Tenant) -> Self {
        Self::Locked { act, slug: tenant.slug.to_string() }
    }

    /// Returns whether the tenant's project is said not to be there.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Home(HomeError::Gone(_)))
    }

    /// Returns whether the evidence contradicts the record.
    pub(super) fn is_contradiction(&self) -> bool {
        match self {
            Self::Server(ServerError::Contradicted { .. }) => true,
            Self::Home(error) => error.is_contradiction(),
            _ => false,
        }
    }
}

impl From<PgError> for TenantError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}

impl From<HomeError> for TenantError {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::Server(error) => Self::Server(error),
            HomeError::ControlPlane(error) => Self::ControlPlane(error),
            other => Self::Home(other),
        }
    }
}

impl Classified for TenantError {
    fn is_put_off(&self) -> bool {
        matches!(self, Self::Home(error) if error.is_put_off())
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::Server(error) => error.kind(),
            Self::Home(error) => error.kind(),
            Self::Local(error) => error.kind(),
            Self::Migration(error) => error.kind(),
            Self::Key(error) => error.kind(),
            Self::Internal(error) => error.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::SpecDiffers { .. }
            | Self::IdUsed { .. }
            | Self::WrongState { .. }
            | Self::Locked { .. }
            | Self::Taken { .. } => ErrorKind::Conflict,
            Self::Quarantined { .. } | Self::Unverified { .. } => ErrorKind::Incomplete,
            Self::Protected(_) | Self::NoCredential(_) | Self::Unadoptable { .. } => {
                ErrorKind::Refused
            }
            // The operation stays open and the same command continues it, whatever stopped it; only
            // what the operator has to change first keeps its own kind.
            Self::Stopped { source, .. } => match source.kind() {
                _ if matches!(**source, Self::Internal(_)) => ErrorKind::Internal,
                kind @ (ErrorKind::Denied
                | ErrorKind::Conflict
                | ErrorKind::NotFound
                | ErrorKind::Usage) => kind,
                // A quota, a bill, a region: the same command fails again until that has changed.
                ErrorKind::Refused if matches!(**source, Self::Home(_)) => ErrorKind::Refused,
                _ => ErrorKind::Incomplete,
            },
            Self::Interrupted { .. } => ErrorKind::Interrupted,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NotFound(named) => std::slice::from_ref(named),
            Self::Migration(error) => error.missing_tenants(),
            _ => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::Server(error) => error.hint(),
            Self::Home(error) => error.hint(),
            Self::Local(error) => error.hint(),
            Self::Migration(error) => error.hint(),
            Self::Key(error) => error.hint(),
            Self::NotFound(_) => Some("tenantctl tenant list".to_owned()),
            Self::SpecDiffers { slug, .. } => Some(format!("tenantctl tenant show {slug}")),
            Self::WrongState { act, slug, status } => Some(match (act, status) {
                (Act::Purge, _) => format!("delete it first: tenantctl tenant delete {slug}"),
                (Act::Create | Act::Adopt, TenantStatus::Deleted) => format!(
                    "bring it back with `tenantctl tenant restore {slug}`, or destroy it with \
                     `tenantctl tenant purge {slug} --no-backup`"
                ),
                (Act::Create | Act::Adopt | Act::Delete, TenantStatus::Purging) => {
                    format!("finish destroying it: tenantctl tenant purge {slug} --no-backup")
                }
                _ => format!("tenantctl tenant show {slug}"),
            }),
            Self::Locked { slug, .. } => Some(format!(
                "see by whom and why: tenantctl tenant show {slug}; then `tenantctl unlock {slug} --reason \
                 '…'`"
            )),
            Self::Quarantined { slug, .. } => Some(format!(
                "look at it: tenantctl tenant show {slug}; once what contradicts the record is \
                     moved away, the same command goes on"
            )),
            Self::Protected(slug) => Some(format!("tenantctl tenant unprotect {slug}")),
            Self::NoCredential(slug) => Some(format!("tenantctl tenant rotate {slug}")),
            Self::Stopped { source, .. } => Some(match source.hint() {
                Some(hint) if hint.contains("run the same command again") => hint,
                Some(hint) => format!("{hint}; then run the same command again: it continues"),
                None => "run the same command again: it continues where it stopped".to_owned(),
            }),
            Self::Interrupted { .. } => {
                Some("run the same command again: it continues where it stopped".to_owned())
            }
            Self::Taken { owner, .. } => Some(format!("tenantctl tenant show {owner}")),
            Self::Internal(_) | Self::IdUsed { .. } | Self::Unadoptable { .. } => None,
            Self::Unverified { remedy, .. } => remedy.clone(),
        }
    }
}

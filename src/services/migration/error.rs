//! Why a migration or a seed did not come about.

use std::time::Duration;

use super::plan::Divergence;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::server::ServerError;
use crate::model::{Classified, ErrorKind};
use crate::services::home::HomeError;

/// What can go wrong with migrations and seeds.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The control plane.
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// The cluster or a tenant's database.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Where the tenant lives.
    #[error(transparent)]
    Home(HomeError),
    /// A database went through other migrations than ours.
    #[error("continue the migration history in {history}")]
    Diverged {
        /// The history table.
        history: &'static str,
        /// What contradicts what.
        #[source]
        divergence: Divergence,
    },
    /// A file must not run.
    #[error("use migration {migration}: {problem}")]
    Unfit {
        /// The file.
        migration: String,
        /// What is wrong.
        problem: String,
    },
    /// No migration has the number that was asked for.
    #[error("migrate to V{0}: there is no such migration")]
    NoSuchVersion(i32),
    /// Tenants that were named do not exist.
    #[error("find {}: no such tenant", .0.join(", "))]
    NoSuchTenants(Vec<String>),
    /// No seed set has this name.
    #[error("find seed set `{name}`; there is {known}")]
    NoSuchSet {
        /// The name that was asked for.
        name: String,
        /// The sets there are.
        known: String,
    },
    /// A folder of seed sets cannot be used.
    #[error("read the seed sets in {folder}: {problem}")]
    SeedFolder {
        /// The folder.
        folder: String,
        /// What is wrong.
        problem: String,
    },
    /// One tenant took longer than any may.
    #[error("finish within {} min: the tenant's server does not answer", .0.as_secs() / 60)]
    TimedOut(Duration),
    /// The tenant is in no state to be migrated.
    #[error("migrate the tenant: {0}")]
    NotReady(String),
}

impl From<HomeError> for MigrationError {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::Server(error) => Self::Server(error),
            HomeError::ControlPlane(error) => Self::ControlPlane(error),
            other => Self::Home(other),
        }
    }
}

impl Classified for MigrationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::Server(error) => error.kind(),
            Self::Home(error) => error.kind(),
            Self::Diverged { .. } | Self::NotReady(_) => ErrorKind::Conflict,
            Self::Unfit { .. } | Self::NoSuchVersion(_) | Self::SeedFolder { .. } => {
                ErrorKind::Usage
            }
            Self::TimedOut(_) => ErrorKind::Unavailable,
            Self::NoSuchTenants(_) | Self::NoSuchSet { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::Server(error) => error.hint(),
            Self::Home(error) => error.hint(),
            Self::Diverged { .. } => Some(
                "an applied migration is never edited: run the tenantctl that applied it, or put \
                 the old file back and write the change as a new migration"
                    .to_owned(),
            ),
            Self::NoSuchTenants(_) => Some("tenantctl tenant list".to_owned()),
            Self::NoSuchSet { .. } => Some("tenantctl seed list".to_owned()),
            Self::Unfit { .. }
            | Self::NoSuchVersion(_)
            | Self::SeedFolder { .. }
            | Self::TimedOut(_)
            | Self::NotReady(_) => None,
        }
    }
}

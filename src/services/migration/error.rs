//! What can go wrong with migrations and seeds.

use std::time::Duration;

use super::exposed::{self, Exposed};
use super::plan::Divergence;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::Blocker;
use crate::adapters::server::ServerError;
use crate::model::{Classified, ErrorKind, Refusal, TenantStatus, did_you_mean, nearest};
use crate::services::home::HomeError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Home(HomeError),
    /// A database's history contradicts the migrations of this binary.
    #[error("continue the migration history in {history}")]
    Diverged {
        /// The name of the history table.
        history: &'static str,
        #[source]
        divergence: Divergence,
    },
    /// What the migrations make, or made, lets a client past row security.
    #[error("take these migrations: {}", exposed::clause(found))]
    Exposed {
        found: Vec<Exposed>,
        /// Whether they ran in this tenant's database already.
        has_run: bool,
    },
    /// A file holds what `lint` refuses.
    #[error("use {file}: line {line}: {what}")]
    Unfit {
        /// What kind of file, and its name.
        file: String,
        /// Counted from 1.
        line: usize,
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// `--target` is the number of no migration.
    #[error("migrate to V{0}: there is no such migration")]
    NoSuchVersion(i64),
    /// Named one by one; none of the others is touched either.
    #[error("find {}: no such tenant", .0.join(", "))]
    NoSuchTenants(Vec<String>),
    /// Labels, or a status, that no tenant has.
    #[error("select tenants: none has these labels and this status")]
    NoneFits,
    #[error("find seed set `{name}`; known sets: {known}")]
    NoSuchSet { name: String, known: String },
    /// `migrate export` never overwrites.
    #[error("write the migrations to {folder}: {file} is there with another text")]
    FileDiffers { folder: String, file: String },
    #[error("write to {folder}: {problem}")]
    Unwritable { folder: String, problem: String },
    #[error("read the seed sets in {folder}: {problem}")]
    SeedFolder { folder: String, problem: String },
    /// One tenant's turn took longer than the deadline of a turn.
    #[error("finish within {} s: the tenant's server does not answer", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Somebody held what the tenant's turn needed.
    #[error("take a lock in the tenant's database: {by} holds it")]
    HeldUp {
        by: Blocker,
        #[source]
        source: Box<MigrationError>,
    },
    /// Another command changed the tenant's state while it had its turn, which is why that failed.
    #[error("migrate the tenant: it is {status} by now")]
    Overtaken {
        status: TenantStatus,
        #[source]
        source: Box<MigrationError>,
    },
    /// The record lacks what opening the database needs.
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

impl MigrationError {
    /// Returns whether it gave up for something that somebody else may have held.
    pub(crate) fn is_held_up(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            error => error.refusal().is_lock(),
        }
    }
}

impl Classified for MigrationError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::ControlPlane(error) => error.refusal(),
            Self::Server(error) => error.refusal(),
            Self::Home(error) => error.refusal(),
            Self::Overtaken { source, .. } | Self::HeldUp { source, .. } => source.refusal(),
            _ => Refusal::default(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::Server(error) => error.kind(),
            Self::Home(error) => error.kind(),
            Self::Diverged { .. }
            | Self::NotReady(_)
            | Self::Overtaken { .. }
            | Self::FileDiffers { .. } => ErrorKind::Conflict,
            Self::Unfit { .. }
            | Self::NoSuchVersion(_)
            | Self::SeedFolder { .. }
            | Self::Unwritable { .. } => ErrorKind::Usage,
            Self::Exposed { has_run: false, .. } => ErrorKind::Refused,
            Self::Exposed { has_run: true, .. } => ErrorKind::Incomplete,
            Self::TimedOut(_) => ErrorKind::Unavailable,
            Self::HeldUp { source, .. } => source.kind(),
            Self::NoSuchTenants(_) | Self::NoneFits | Self::NoSuchSet { .. } => ErrorKind::NotFound,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NoSuchTenants(named) => named,
            _ => &[],
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
            Self::HeldUp { by, .. } => Some(by.hint()),
            Self::NoSuchTenants(_) => Some("tenantctl tenant list".to_owned()),
            Self::NoneFits => Some("pass --allow-empty where that is no mistake".to_owned()),
            Self::NoSuchSet { name, known } => Some(
                did_you_mean(&nearest(name, known.split(['`', ',', ' '])))
                    .unwrap_or_else(|| "tenantctl seed list".to_owned()),
            ),
            Self::Exposed { found, has_run } => Some(exposed::remedy(found, *has_run)),
            Self::Unfit { remedy, .. } => Some(remedy.clone()),
            Self::FileDiffers { .. } => {
                Some("choose another folder, or move that file away".to_owned())
            }
            Self::NoSuchVersion(_)
            | Self::SeedFolder { .. }
            | Self::Unwritable { .. }
            | Self::TimedOut(_)
            | Self::Overtaken { .. }
            | Self::NotReady(_) => None,
        }
    }
}

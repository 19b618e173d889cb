//! What can go wrong with migrations and seeds.

use std::time::Duration;

use super::exposed::{self, Exposed};
use super::plan::Divergence;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::{Blocker, MigrateError};
use crate::adapters::server::ServerError;
use crate::model::{
    Classified, ErrorKind, Refusal, SchemaVersion, TenantStatus, did_you_mean, nearest,
};
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
    /// A history is to say what the catalog does not.
    #[error("{doing}: the database is not what the migrations up to {at} make: {}", several(found))]
    NotAsBuilt { doing: &'static str, at: SchemaVersion, found: Vec<String> },
    /// A history is to say what no clean build shows.
    #[error("{doing}: its catalog cannot be compared: {why}")]
    NotComparable { doing: &'static str, why: String },
    #[error("{doing}: migrations of the schema `tenantctl` are pending in it")]
    GatePending { doing: &'static str },
    /// More than the checksum differs.
    #[error("accept {file}: it was applied as {applied}")]
    OtherName { applied: String, file: String },
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
    #[error("read {file}: {problem}")]
    UnreadableFile { file: String, problem: String },
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

/// How many differences a message names.
const NAMED: usize = 5;

fn several(found: &[String]) -> String {
    let named = found.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match found.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
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
    /// Returns whether another migration of the same tenant was under way.
    pub(crate) fn is_locked_by_another(&self) -> bool {
        matches!(self, Self::Server(ServerError::Lock(error)) if error.kind() == ErrorKind::Conflict)
    }

    /// Returns whether the tenant's database contradicts what is applied, so that nobody else's should
    /// be touched before a person looked.
    pub(crate) fn is_alarming(&self) -> bool {
        matches!(
            self,
            Self::Diverged { .. }
                | Self::Exposed { has_run: true, .. }
                | Self::Server(ServerError::Migrate(MigrateError::Unreadable { .. }))
        )
    }

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
            | Self::NotComparable { .. }
            | Self::GatePending { .. }
            | Self::OtherName { .. }
            | Self::FileDiffers { .. } => ErrorKind::Conflict,
            Self::NotAsBuilt { .. } => ErrorKind::Differences,
            Self::Unfit { .. }
            | Self::NoSuchVersion(_)
            | Self::SeedFolder { .. }
            | Self::UnreadableFile { .. }
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
                 the old file back and write the change as a new migration; where nothing but a \
                 comment was edited: tenantctl migrate repair"
                    .to_owned(),
            ),
            Self::NotAsBuilt { .. } => Some(
                "make the database what the files make, or name an earlier version; nothing was \
                 recorded"
                    .to_owned(),
            ),
            Self::NotComparable { .. } => Some(
                "create a tenant with these files first: what it looks like is what others are \
                 compared with"
                    .to_owned(),
            ),
            Self::GatePending { .. } => {
                Some("tenantctl migrate apply applies those before all others".to_owned())
            }
            Self::OtherName { .. } => {
                Some("give the file its old name back: only its text may differ".to_owned())
            }
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
            | Self::UnreadableFile { .. }
            | Self::Unwritable { .. }
            | Self::TimedOut(_)
            | Self::Overtaken { .. }
            | Self::NotReady(_) => None,
        }
    }
}

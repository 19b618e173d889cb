//! Why a tenant's home cannot be made, entered or destroyed.

use std::time::Duration;

use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::management::{ManagementError, RefusalReason};
use crate::adapters::postgres::PgError;
use crate::adapters::server::{Contradiction, ServerError};
use crate::model::{Classified, ErrorKind, Refusal};

/// What can go wrong with a tenant's home.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    #[error(transparent)]
    Management(#[from] ManagementError),
    /// The server or the tenant's database.
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// No access token is set, so the Management API cannot be asked.
    #[error("reach Supabase projects: SUPABASE_ACCESS_TOKEN is not set")]
    NoToken,
    /// It is not clear in which organization a project is to be made.
    #[error("choose an organization for the project: {}", known_text(known))]
    NoOrganization {
        /// The slugs of those the token's user belongs to.
        known: Vec<String>,
    },
    /// The region does not take projects now.
    #[error("place the project in `{region}`: {problem}")]
    Region {
        /// The region that was asked for.
        region: String,
        problem: String,
        /// Regions that do.
        free: Vec<String>,
    },
    /// A request to make the project was not answered, and nothing is known of it.
    #[error(
        "find out what the request to create project `{name}` did: it was not answered {ago} s ago, \
         and no project of that name can be seen"
    )]
    Doubtful {
        /// The project's name.
        name: String,
        /// How long ago it was sent, in seconds.
        ago: u64,
        /// When another may be sent, in seconds from now.
        retry_in: Duration,
    },
    /// More than one project carries the tenant's name.
    #[error("use project `{name}`: there are {} of that name: {}", refs.len(), refs.join(", "))]
    Twice {
        name: String,
        /// Their refs.
        refs: Vec<String>,
    },
    /// The project is not there.
    #[error("find project {0}: the Management API knows no such project")]
    Gone(String),
    /// It is not proved that the project is gone.
    #[error("prove that project {project} is gone: {said}")]
    NotGone {
        project: String,
        /// What was seen.
        said: String,
    },
    /// Only a member of the project's organization can see that it is gone.
    #[error(
        "prove that project {project} is gone: the access token's user does not belong to \
         organization {organization}, which it is recorded in"
    )]
    Outsider { project: String, organization: String },
    /// The project is not provably the tenant's.
    #[error("use project {project}: {contradiction}")]
    Contradicted { project: String, contradiction: Contradiction },
    /// The cluster that is configured is not the server that the tenant's database was registered on.
    #[error("use the cluster at {configured} for `{slug}`: its database is recorded at {recorded}")]
    Elsewhere { slug: String, recorded: String, configured: String },
    /// The project that is to be adopted does not exist.
    #[error("adopt project {0}: there is no such project")]
    NoProject(String),
    /// The database that is to be adopted does not exist.
    #[error("adopt database `{0}`: there is no such database")]
    NoDatabase(String),
    /// The project does not work yet, and `--no-wait` was given.
    #[error("project {project} is asked for; {said}")]
    NotWaited {
        project: String,
        /// What was seen.
        said: String,
    },
    /// The project will not work by itself.
    #[error("use project {project}: it is {status}")]
    Unusable {
        project: String,
        /// The API's word.
        status: String,
        /// Whether it is only paused.
        is_paused: bool,
    },
    /// The project does not work yet.
    #[error("wait for project {project}: after {} s {said}", waited.as_secs())]
    NotReady {
        project: String,
        /// What was seen last.
        said: String,
        /// How long was waited.
        waited: Duration,
        /// Why the last try to connect failed, where it came to that.
        #[source]
        source: Option<Box<HomeError>>,
    },
    /// The operator stopped the waiting.
    #[error("wait for project {0}: interrupted")]
    Interrupted(String),
    /// No database was recorded yet.
    #[error("enter the database of `{0}`: none is recorded")]
    Nowhere(String),
}

fn known_text(known: &[String]) -> String {
    if known.is_empty() {
        "the access token's user belongs to none".to_owned()
    } else {
        format!("the access token's user belongs to {}", known.join(", "))
    }
}

impl From<PgError> for HomeError {
    fn from(error: PgError) -> Self {
        Self::Server(error.into())
    }
}

impl HomeError {
    /// Returns whether evidence contradicts the record, so that nothing may be changed.
    pub(crate) fn is_contradiction(&self) -> bool {
        matches!(
            self,
            Self::Contradicted { .. }
                | Self::Twice { .. }
                | Self::Server(ServerError::Contradicted { .. })
        )
    }
}

impl Classified for HomeError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Server(error) => error.refusal(),
            Self::ControlPlane(error) => error.refusal(),
            _ => Refusal::default(),
        }
    }

    fn is_put_off(&self) -> bool {
        matches!(self, Self::NotWaited { .. })
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Management(error) => error.kind(),
            Self::Server(error) => error.kind(),
            Self::ControlPlane(error) => error.kind(),
            Self::NoToken | Self::NoOrganization { .. } => ErrorKind::Usage,
            Self::Outsider { .. } => ErrorKind::Denied,
            Self::NoProject(_) | Self::NoDatabase(_) => ErrorKind::NotFound,
            Self::Region { .. } | Self::Elsewhere { .. } => ErrorKind::Refused,
            Self::Nowhere(_) | Self::Unusable { .. } => ErrorKind::Conflict,
            Self::Interrupted(_) => ErrorKind::Interrupted,
            Self::Doubtful { .. }
            | Self::Twice { .. }
            | Self::Gone(_)
            | Self::NotGone { .. }
            | Self::Contradicted { .. }
            | Self::NotWaited { .. }
            | Self::NotReady { .. } => ErrorKind::Incomplete,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Management(error) => return error.hint(),
            Self::Server(error) => return error.hint(),
            Self::ControlPlane(error) => return error.hint(),
            Self::NoToken => {
                "make a token in the dashboard and set SUPABASE_ACCESS_TOKEN_FILE to a file that \
                 holds it"
                    .to_owned()
            }
            Self::NoOrganization { .. } => "set TENANTCTL_ORGANIZATION".to_owned(),
            Self::Region { free, .. } => {
                format!("choose another with --region: {}", free.join(", "))
            }
            Self::Doubtful { retry_in, .. } => format!(
                "nothing is sent twice: run the same command again, it looks again, and may send \
                 another request in {} s",
                retry_in.as_secs()
            ),
            Self::Twice { .. } => {
                "look at both in the dashboard, and delete the one that holds nothing".to_owned()
            }
            Self::Gone(_) => "if it was deleted on purpose, delete and purge the tenant".to_owned(),
            Self::Elsewhere { slug, .. } => format!(
                "set TENANTCTL_CLUSTER_URL to the server that is recorded; if that was moved or \
                 upgraded and is this one, `tenantctl tenant restore {slug}` records it anew, for a \
                 tenant that is not deleted `tenant rotate`"
            ),
            Self::NotGone { .. } => "run the same command again: it looks again".to_owned(),
            Self::Outsider { .. } => {
                "set SUPABASE_ACCESS_TOKEN_FILE to a token of a member of that organization"
                    .to_owned()
            }
            Self::Contradicted { .. } => "nothing of it was touched; look at it first".to_owned(),
            Self::Unusable { is_paused: true, .. } => {
                "restore the project in the dashboard, then run the same command again".to_owned()
            }
            Self::Unusable { .. } => {
                "it does not come back by itself: delete the tenant, and create it again".to_owned()
            }
            Self::NotReady { .. } => {
                "run the same command again: it goes on waiting; or pass a longer --timeout"
                    .to_owned()
            }
            Self::Interrupted(_) => "run the same command again: it goes on waiting".to_owned(),
            Self::NotWaited { .. } => "run the same command again, it goes on from here".to_owned(),
            Self::NoProject(_) | Self::NoDatabase(_) | Self::Nowhere(_) => return None,
        })
    }
}

/// Returns whether the Management API's refusal is one that no repetition changes.
pub(super) fn is_final(error: &ManagementError) -> bool {
    !matches!(error.reason(), RefusalReason::NotReady)
        && !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal)
}

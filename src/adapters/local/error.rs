//! Everything that can go wrong with the private Postgres.

use std::path::PathBuf;
use std::time::Duration;

use super::report::Looked;
use crate::adapters::postgres::{PgError, ScramError};
use crate::model::{Classified, ErrorKind};

/// What kept the private Postgres from doing what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// No folder holds the programs of a Postgres we can use.
    #[error(
        "find a usable Postgres {wanted}: {}{}",
        places(looked), download_note(download.as_deref())
    )]
    ProgramsMissing {
        /// What would do, "15 or newer" or one major version.
        wanted: String,
        looked: Vec<Looked>,
        /// Why downloading one did not work either.
        download: Option<String>,
    },
    /// No folder holds psql.
    #[error("find psql: it is in none of {}", looked.join(", "))]
    NoPsql { looked: Vec<String> },
    /// psql, or the files it needs, could not be made to work.
    #[error("run `{}`", program.display())]
    Psql {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The cluster on disk needs the programs of another major version.
    #[error(
        "run the cluster in `{}`: Postgres {cluster} made it, and only {} can be run here",
        directory.display(), majors(found)
    )]
    VersionMismatch {
        directory: PathBuf,
        /// The major version that made it.
        cluster: u32,
        /// The major versions of the programs that were found.
        found: Vec<u32>,
    },
    #[error("install a system package: that needs root")]
    NeedsRoot {
        /// The command to run instead.
        command: String,
    },
    /// The package manager failed.
    #[error("run `{command}`:\n{output}")]
    InstallFailed {
        command: String,
        /// What it printed, an excerpt.
        output: String,
    },
    #[error("run the server as user `{user}`: that user cannot enter `{}`", directory.display())]
    Blocked {
        /// The topmost directory that the user cannot enter.
        directory: PathBuf,
        user: String,
    },
    /// We are root and the system has neither `postgres` nor `nobody`.
    #[error(
        "choose a user for the server: Postgres does not run as root, and the system has neither \
         `postgres` nor `nobody`"
    )]
    NoAccount,
    /// A file or directory of the server is another user's, or something else in its place.
    #[error("use `{}`: it {problem}", path.display())]
    OtherOwner {
        path: PathBuf,
        /// As in "belongs to user `ann`".
        problem: String,
    },
    #[error("use the data directory `{}`: its path {reason}", path.display())]
    BadPath { path: PathBuf, reason: &'static str },
    /// The directory in the place of our cluster does not carry our marker.
    #[error("use `{}`: tenantctl did not make it (it has no `{marker}`)", directory.display())]
    NotOurs { directory: PathBuf, marker: &'static str },
    /// Our cluster lacks a file without which it cannot run.
    #[error("use the cluster in `{}`: it is damaged, `{missing}` is missing", directory.display())]
    Damaged { directory: PathBuf, missing: &'static str },
    #[error(
        "write to `{}`: no space is left on its disk{}",
        path.display(), free(*available_bytes)
    )]
    DiskFull {
        path: PathBuf,
        /// What is still free there.
        available_bytes: Option<u64>,
    },
    #[error("make a cluster in `{}` with initdb:\n{output}", directory.display())]
    InitFailed {
        directory: PathBuf,
        /// What initdb printed, an excerpt.
        output: String,
    },
    /// The server ended instead of starting.
    #[error("start the server; the end of `{}`:\n{tail}", log.display())]
    StartFailed { log: PathBuf, tail: String },
    #[error(
        "start the server: it is not ready after {} s; the end of `{}`:\n{tail}",
        waited.as_secs(), log.display()
    )]
    StartTimedOut { waited: Duration, log: PathBuf, tail: String },
    #[error("reach the server (process {pid}): it accepts connections and does not answer")]
    Unresponsive { pid: i32 },
    #[error("stop the server (process {pid}): it still runs after {} s", waited.as_secs())]
    StopTimedOut { pid: i32, waited: Duration },
    /// Processes of a killed server still work in its directory.
    #[error(
        "start a server in `{}`: processes {} of an earlier one still use it",
        directory.display(), list(pids)
    )]
    StillHeld {
        directory: PathBuf,
        /// Empty where the system does not list them.
        pids: Vec<i32>,
    },
    #[error(
        "lock `{}`: another tenantctl has held it for more than {} s",
        path.display(), waited.as_secs()
    )]
    Locked { path: PathBuf, waited: Duration },
    #[error("make a random password")]
    Random(#[source] ScramError),
    #[error("{action} `{}`", path.display())]
    Io {
        /// As in "read".
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A statement on the server.
    #[error(transparent)]
    Postgres(#[from] PgError),
    /// Everything is set up and a client still cannot log in.
    #[error("log in as a client does")]
    Login(#[source] PgError),
}

/// Whether the system forbids it: that is no bug of ours, and another directory helps.
fn may_not(action: &str, error: &std::io::Error) -> bool {
    let is_nowhere = error.kind() == std::io::ErrorKind::NotFound;
    (is_nowhere && action.starts_with("make"))
        || matches!(
            error.kind(),
            std::io::ErrorKind::PermissionDenied
                | std::io::ErrorKind::ReadOnlyFilesystem
                | std::io::ErrorKind::NotADirectory
        )
}

impl Classified for LocalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BadPath { .. } => ErrorKind::Usage,
            Self::ProgramsMissing { .. }
            | Self::NoPsql { .. }
            | Self::Psql { .. }
            | Self::VersionMismatch { .. }
            | Self::NeedsRoot { .. }
            | Self::NoAccount
            | Self::Blocked { .. }
            | Self::NotOurs { .. } => ErrorKind::Refused,
            // Where it is, HOME and TENANTCTL_DATA_DIR say.
            Self::Io { action, source, .. } if may_not(action, source) => ErrorKind::Usage,
            Self::OtherOwner { .. } => ErrorKind::Denied,
            Self::Locked { .. } | Self::StillHeld { .. } => ErrorKind::Conflict,
            Self::StartTimedOut { .. }
            | Self::Unresponsive { .. }
            | Self::StopTimedOut { .. }
            | Self::DiskFull { .. }
            | Self::InstallFailed { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. }
            | Self::InitFailed { .. }
            | Self::StartFailed { .. }
            | Self::Random(_)
            | Self::Io { .. }
            | Self::Postgres(_)
            | Self::Login(_) => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ProgramsMissing { wanted, .. } => {
                let major = wanted.parse::<u32>().ok();
                return Some(format!("{}, or pass --install", programs_hint(major)));
            }
            Self::NoPsql { .. } => {
                return Some(
                    "install a client (`apt-get install -y postgresql-client`, `brew install libpq`), \
                     or set TENANTCTL_POSTGRES_BIN to its folder"
                        .to_owned(),
                );
            }
            Self::VersionMismatch { cluster, .. } => {
                return Some(format!(
                    "install Postgres {cluster} beside the others (`apt-get install -y \
                     postgresql-{cluster}`, `brew install postgresql@{cluster}`), set \
                     TENANTCTL_POSTGRES_BIN to its programs, or give the data up with `tenantctl \
                     local destroy`"
                ));
            }
            Self::NeedsRoot { command } => {
                return Some(format!("run `{command}`, then this command again"));
            }
            Self::InstallFailed { command, .. } => {
                return Some(format!(
                    "run `{command}` by hand to see all of its output, then this command again"
                ));
            }
            Self::Blocked { user, .. } => {
                return Some(format!(
                    "set TENANTCTL_DATA_DIR to a directory that `{user}` can enter, such as \
                     /var/lib/tenantctl"
                ));
            }
            Self::StopTimedOut { pid, .. } => {
                return Some(format!(
                    "end it with `kill -9 {pid}`; the next `tenantctl local up` recovers"
                ));
            }
            Self::NoAccount => {
                "add a user (`useradd --system postgres`) or run tenantctl as an ordinary user"
            }
            Self::OtherOwner { .. } => {
                "run as that user or as root, or set TENANTCTL_DATA_DIR to a directory of your own"
            }
            Self::BadPath { .. } | Self::NotOurs { .. } => {
                "set TENANTCTL_DATA_DIR to another directory"
            }
            Self::Io { action, source, .. } if may_not(action, source) => {
                "set TENANTCTL_DATA_DIR to a directory that you may write to"
            }
            Self::Damaged { .. } => {
                "restore the directory from a backup, or give the data up with `tenantctl local \
                 destroy`"
            }
            Self::DiskFull { .. } => {
                "free some space (a new server needs about 60 MB) or set TENANTCTL_DATA_DIR to \
                 another disk, then run this command again"
            }
            Self::InitFailed { output, .. } if output.contains("look up effective user ID") => {
                "the system has no name for the id of this user, and Postgres needs one"
            }
            Self::StartTimedOut { .. } => {
                "it may still be recovering: run the same command again to wait longer"
            }
            Self::Unresponsive { .. } => "run `tenantctl local down`, then `tenantctl local up`",
            Self::StillHeld { .. } => {
                "wait a moment, or end those processes, then run this command again"
            }
            Self::Locked { .. } => "wait for it to finish, then run this command again",
            Self::Login(_) => {
                "`tenantctl local down`, then `tenantctl local up` sets the login up again"
            }
            Self::InitFailed { .. }
            | Self::StartFailed { .. }
            | Self::Random(_)
            | Self::Io { .. }
            | Self::Postgres(_)
            | Self::Psql { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

fn programs_hint(major: Option<u32>) -> String {
    let (name, apt, brew) = match major {
        Some(major) => (format!(" {major}"), format!("-{major}"), major),
        None => (String::new(), String::new(), 17),
    };
    format!(
        "install Postgres{name} (`apt-get install -y postgresql{apt}`, `brew install \
         postgresql@{brew}`) or set TENANTCTL_POSTGRES_BIN to the folder of its initdb, pg_ctl and \
         postgres"
    )
}

fn places(looked: &[Looked]) -> String {
    let parts: Vec<String> = looked.iter().map(ToString::to_string).collect();
    parts.join("; ")
}

fn download_note(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!("; downloading one: {reason}"))
}

fn majors(found: &[u32]) -> String {
    if found.is_empty() {
        "no Postgres at all".to_owned()
    } else {
        format!("Postgres {}", list(found))
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    let parts: Vec<String> = items.iter().map(ToString::to_string).collect();
    parts.join(", ")
}

fn free(available_bytes: Option<u64>) -> String {
    available_bytes.map_or_else(String::new, |bytes| format!(" ({} MB free)", bytes / 1_000_000))
}

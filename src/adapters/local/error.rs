//! Everything that can go wrong with the private Postgres, in the operator's words.
//!
//! A message says what was observed and where; what to do about it is
//! [`LocalError::hint`], so that the two can be shown apart.

use std::path::PathBuf;
use std::time::Duration;

use super::programs::Looked;

/// What kept the private Postgres from doing what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// No folder holds the programs of a Postgres we can use.
    #[error("no usable Postgres {wanted} was found: {}{}", places(looked), download_note(download.as_deref()))]
    ProgramsMissing {
        /// What would do, "15 or newer" or one major version.
        wanted: String,
        /// Where we looked, and what was there.
        looked: Vec<Looked>,
        /// Why downloading one did not work either.
        download: Option<String>,
    },
    /// The cluster on disk needs the programs of another major version.
    #[error(
        "the cluster in `{}` was made by Postgres {cluster}, and only {} can be run here",
        directory.display(), majors(found)
    )]
    VersionMismatch {
        /// The cluster's directory.
        directory: PathBuf,
        /// The major version that made it.
        cluster: u32,
        /// The major versions of the programs that were found.
        found: Vec<u32>,
    },
    /// A system package was asked for by someone who may not install one.
    #[error("installing a system package needs root")]
    NeedsRoot {
        /// The command to run instead.
        command: String,
    },
    /// The package manager refused.
    #[error("`{command}` did not succeed:\n{output}")]
    InstallFailed {
        /// What was run.
        command: String,
        /// The last lines it printed.
        output: String,
    },
    /// A directory on the way cannot be entered by the user the server runs as.
    #[error("`{}` cannot be entered by user `{user}`, as which the server runs", directory.display())]
    Blocked {
        /// The topmost directory that blocks.
        directory: PathBuf,
        /// The server's user.
        user: String,
    },
    /// We are root and the system has neither `postgres` nor `nobody`.
    #[error("Postgres does not run as root, and /etc/passwd has neither `postgres` nor `nobody`")]
    NoAccount,
    /// The server's files belong to somebody else.
    #[error("`{}` belongs to {owner}", path.display())]
    OtherOwner {
        /// What we may not touch.
        path: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// The data directory's own path cannot be used.
    #[error("the data directory's path `{}` {reason}", path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A directory stands where ours would be and does not carry our marker.
    #[error("`{}` was not made by tenantctl (it has no `{marker}`)", directory.display())]
    NotOurs {
        /// The directory.
        directory: PathBuf,
        /// The file we looked for.
        marker: &'static str,
    },
    /// Our cluster lacks a part without which it cannot run.
    #[error("the cluster in `{}` is damaged: `{missing}` is missing", directory.display())]
    Damaged {
        /// The cluster's directory.
        directory: PathBuf,
        /// The missing file.
        missing: &'static str,
    },
    /// The file system is full.
    #[error("no space left on the disk of `{}`{}", path.display(), free(*available_bytes))]
    DiskFull {
        /// A path on that disk.
        path: PathBuf,
        /// What is still free there, in bytes.
        available_bytes: Option<u64>,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster in `{}`:\n{output}", directory.display())]
    InitFailed {
        /// The directory it should have made.
        directory: PathBuf,
        /// The last lines it printed.
        output: String,
    },
    /// The server ended instead of starting.
    #[error("the server did not start; the end of `{}`:\n{tail}", log.display())]
    StartFailed {
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server is there but did not become ready in time.
    #[error("the server is not ready after {} s; the end of `{}`:\n{tail}", waited.as_secs(), log.display())]
    StartTimedOut {
        /// How long we waited.
        waited: Duration,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server's process exists and does not answer.
    #[error("the server (process {pid}) accepts connections but does not answer")]
    Unresponsive {
        /// The postmaster's process id.
        pid: i32,
    },
    /// The server did not stop, whatever signal it got.
    #[error("the server (process {pid}) is still there {} s after it was told to stop", waited.as_secs())]
    StopTimedOut {
        /// The postmaster's process id.
        pid: i32,
        /// How long we waited.
        waited: Duration,
    },
    /// Processes of a killed server still hold its directory.
    #[error("processes {} of an earlier server still use `{}`", list(pids), directory.display())]
    StillHeld {
        /// The cluster's directory.
        directory: PathBuf,
        /// Who holds it; empty where the system does not tell.
        pids: Vec<i32>,
    },
    /// Another tenantctl is at work on the same server.
    #[error("another tenantctl holds `{}` for longer than {} s", path.display(), waited.as_secs())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// The system gave no random bytes.
    #[error("no random password could be made")]
    Random(#[source] crate::adapters::postgres::ScramError),
    /// A file or directory could not be used.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was tried, as in "could not read".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A statement of ours failed on the server.
    #[error("the server refused to {step}")]
    Sql {
        /// What the statement was for.
        step: &'static str,
        /// The server's answer.
        #[source]
        source: ServerSaid,
    },
    /// Everything is set up and a client still cannot log in.
    #[error("a login over 127.0.0.1:{port} does not work")]
    Login {
        /// The server's port.
        port: u16,
        /// The server's answer.
        #[source]
        source: ServerSaid,
    },
}

/// A server's or driver's answer, without the driver's own decoration.
///
/// `sqlx` appends a line number of Postgres's C source to what the server said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerSaid(String);

impl From<sqlx::Error> for ServerSaid {
    fn from(error: sqlx::Error) -> Self {
        Self(match error {
            sqlx::Error::Database(error) => match error.code() {
                Some(code) => format!("{} ({code})", error.message()),
                None => error.message().to_owned(),
            },
            sqlx::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        })
    }
}

impl ServerSaid {
    /// Returns an answer in words of ours.
    pub(super) fn words(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl LocalError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ProgramsMissing { wanted, .. } if wanted.parse::<u32>().is_ok() => format!(
                "install Postgres {wanted} (`apt-get install -y postgresql-{wanted}`, `brew install postgresql@{wanted}`) \
                 or set TENANTCTL_POSTGRES_BIN to the folder of its initdb, pg_ctl and postgres"
            ),
            Self::ProgramsMissing { .. } => "install Postgres (`apt-get install -y postgresql`, `brew install postgresql@17`) \
                 or set TENANTCTL_POSTGRES_BIN to the folder of its initdb, pg_ctl and postgres".to_owned(),
            Self::VersionMismatch { cluster, .. } => format!(
                "install Postgres {cluster} beside the others (`apt-get install -y postgresql-{cluster}`, `brew install postgresql@{cluster}`), \
                 set TENANTCTL_POSTGRES_BIN to its programs, or give the data up with `tenantctl local destroy`"
            ),
            Self::NeedsRoot { command } => format!("run `{command}`, then this command again"),
            Self::InstallFailed { command, .. } => format!("run `{command}` by hand to see all of it, then this command again"),
            Self::Blocked { user, .. } => format!(
                "set TENANTCTL_DATA_DIR to a place that `{user}` can enter, such as /var/lib/tenantctl"
            ),
            Self::NoAccount => "add a user (`useradd --system postgres`) or run tenantctl as an ordinary user".to_owned(),
            Self::OtherOwner { .. } => "run as that user or as root, or set TENANTCTL_DATA_DIR to a directory of your own".to_owned(),
            Self::BadPath { .. } | Self::NotOurs { .. } => "set TENANTCTL_DATA_DIR to another directory".to_owned(),
            Self::Damaged { .. } => "restore the directory from a backup, or give the data up with `tenantctl local destroy`".to_owned(),
            Self::DiskFull { .. } => "free some space (a new server needs about 60 MB) or set TENANTCTL_DATA_DIR to another disk, then run this command again".to_owned(),
            Self::InitFailed { output, .. } if output.contains("could not look up effective user ID") =>
                "this user has no entry in /etc/passwd, and Postgres needs one".to_owned(),
            Self::StartTimedOut { .. } => "it may still be recovering: run the same command again to wait longer".to_owned(),
            Self::Unresponsive { .. } => "run `tenantctl local down`, then `tenantctl local up`".to_owned(),
            Self::StopTimedOut { pid, .. } => format!("end it with `kill -9 {pid}`; the next `tenantctl local up` recovers"),
            Self::StillHeld { .. } => "wait a moment, or end those processes, then run this command again".to_owned(),
            Self::Locked { .. } => "wait for it to finish, then run this command again".to_owned(),
            Self::Login { .. } => "`tenantctl local down`, then `tenantctl local up` sets the login up again".to_owned(),
            Self::InitFailed { .. } | Self::StartFailed { .. } | Self::Random(_) | Self::Io { .. } | Self::Sql { .. } => return None,
        })
    }
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

//! What the callers of the private Postgres get: events while it works, a report at the end, and
//! the endpoint that clients log in to.
//!
//! Plain values; nothing here touches a file or a socket.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

/// A step worth showing while `up` works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalEvent {
    /// Another tenantctl is at work on the same server; we wait for it.
    WaitingForLock,
    /// A system package is being installed.
    Installing {
        /// The command that does it.
        command: String,
    },
    /// No programs were found; they are being downloaded.
    Downloading {
        /// The version asked for.
        version: String,
    },
    /// What an interrupted `up` or `destroy` left is being removed.
    RemovingLeftover {
        /// The half-made or half-removed directory.
        directory: PathBuf,
    },
    /// A new cluster is being made.
    Initializing {
        /// The version of the programs.
        version: String,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// The passwords' file was missing or unreadable, and a new one was written.
    ///
    /// The operator gets a new password; credentials that were sealed with the old secret key can
    /// no longer be opened.
    StateReplaced {
        /// Where the unreadable file was put.
        kept_as: Option<PathBuf>,
    },
    /// The process id file of a server that is gone was changed or removed.
    StalePidFile {
        /// The process it names; `None` for a file that was cut off.
        pid: Option<i32>,
    },
    /// Another program uses the port; the server gets a new one.
    PortTaken {
        /// The port it had.
        port: u16,
    },
    /// The server is starting, or recovering from a crash.
    Starting {
        /// The port it will have.
        port: u16,
    },
    /// The operator's role and the control plane's database are being made.
    Bootstrapping,
}

/// Where events go.
pub(super) type OnEvent<'a> = &'a (dyn Fn(LocalEvent) + Send + Sync);

/// In what state `up` found the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpOutcome {
    /// There was no server; it was made and started.
    Created,
    /// It was stopped; it was started.
    Started,
    /// It was running.
    AlreadyRunning,
}

/// What `up` did.
#[derive(Debug)]
pub(crate) struct LocalUp {
    pub outcome: UpOutcome,
    /// Where and as whom to log in.
    pub endpoint: LocalEndpoint,
    /// The server's version, "15.18".
    pub version: String,
    /// The postmaster's process id.
    pub pid: i32,
    /// The operating system's user that the server runs as.
    pub account: String,
    /// The cluster's directory.
    pub directory: PathBuf,
    /// How long it took.
    pub elapsed: Duration,
}

/// What `down` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalDown {
    /// It was running and is stopped.
    Stopped {
        /// The process that ended.
        pid: i32,
        /// How long it took.
        elapsed: Duration,
    },
    /// There was nothing to stop.
    WasNotRunning,
}

/// What `destroy` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalDestroyed {
    /// The server and its data are gone.
    Destroyed {
        /// The directory that was removed.
        directory: PathBuf,
        /// Whether it had to be stopped first.
        was_running: bool,
    },
    /// There was nothing to remove.
    WasNotThere,
}

/// The state of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalStatus {
    /// There is no private Postgres under this data directory.
    NotCreated,
    /// It exists and is not running.
    Stopped {
        /// The major version that made it.
        major: u32,
        /// The port it will try to get.
        port: Option<u16>,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// Its process runs but takes no logins: starting, stopping or recovering.
    Changing {
        /// The postmaster's process id, where known.
        pid: Option<i32>,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// Its process runs and does not answer.
    Unresponsive {
        /// The postmaster's process id.
        pid: i32,
        /// The cluster's directory.
        directory: PathBuf,
    },
    /// It takes logins.
    Running {
        /// The postmaster's process id.
        pid: i32,
        /// The port on 127.0.0.1.
        port: u16,
        /// The directory of its Unix socket.
        socket_dir: PathBuf,
        /// The server's version, "15.18".
        version: String,
        /// When it was started.
        since: OffsetDateTime,
        /// How many databases it holds, templates not counted.
        databases: u64,
        /// Their size; unknown when measuring takes too long.
        size_bytes: Option<u64>,
        /// The cluster's directory.
        directory: PathBuf,
    },
}

/// A place where we looked for programs, and what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// A folder, or what a group of folders is called.
    pub place: String,
    /// Why it did not serve.
    pub found: String,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.found)
    }
}

/// Where and as whom clients log in. Printing it never shows the secrets.
#[derive(Clone)]
pub(crate) struct LocalEndpoint {
    /// Always "127.0.0.1".
    pub host: String,
    /// The port on it.
    pub port: u16,
    /// The directory of the Unix socket, which only root and the server's user can enter.
    pub socket_dir: PathBuf,
    /// The operator's role.
    pub user: String,
    /// Its password, safe to stand in a URL unescaped.
    pub password: Zeroizing<String>,
    /// The control plane's database.
    pub database: String,
    /// 32 random bytes in base64 that seal the credentials stored there.
    pub secret_key: Zeroizing<String>,
}

impl fmt::Debug for LocalEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEndpoint")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("socket_dir", &self.socket_dir)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let endpoint = LocalEndpoint {
            host: "127.0.0.1".to_owned(),
            port: 1,
            socket_dir: PathBuf::from("/run"),
            user: "tenantctl".to_owned(),
            password: Zeroizing::new("hush".to_owned()),
            database: "control_plane".to_owned(),
            secret_key: Zeroizing::new("quiet".to_owned()),
        };
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
    }
}

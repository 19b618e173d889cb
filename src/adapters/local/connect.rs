//! Connections to the server, and whether it runs at all.
//!
//! The superuser is reached here only, over the socket only. Pid files are not believed: a server
//! runs when it answers and names our directory as its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::error::LocalError;
use super::layout::Layout;
use super::process::{self, PidFile};
use super::state::State;
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose};
use crate::model::SecretText;

/// `initdb` makes this role; it stays reachable over the socket only.
pub(super) const SUPERUSER: &str = "postgres";
const PURPOSE: Purpose = Purpose::build("local");
/// A local server that takes longer to let its superuser in does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A server that answers and is ours.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) pid: i32,
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
    pub(super) version: String,
    pub(super) since: OffsetDateTime,
    /// A session as superuser, in database `postgres`.
    pub(super) session: PgConnection,
}

/// Whether the server runs.
#[derive(Debug)]
pub(super) enum Presence {
    Absent,
    /// Starting, stopping or recovering.
    Changing {
        pid: Option<i32>,
    },
    /// Accepts connections and does not answer.
    Unresponsive {
        pid: i32,
    },
    Running(Box<Running>),
}

/// Finds out whether the server of `layout` runs.
///
/// # Errors
/// [`LocalError::Postgres`] when it answers and refuses its own superuser,
/// [`LocalError::OtherOwner`] when we may not use its socket.
pub(super) async fn look(layout: &Layout, state: Option<&State>) -> Result<Presence, LocalError> {
    let pid_file = PidFile::read(&layout.cluster);
    let recorded = pid_file.as_ref().and_then(|file| Some((file.socket_dir.clone()?, file.port?)));
    let chosen = state.map(|state| (state.socket_dir.clone(), state.port));
    let pid = pid_file.as_ref().map(|file| file.pid);

    // The file says where the server really listens, should our state have been replaced.
    let mut places: Vec<(PathBuf, u16)> = recorded.into_iter().chain(chosen).collect();
    places.dedup();
    for (socket_dir, port) in places {
        let Ok(answer) = timeout(PATIENCE, greet(&socket_dir, port)).await else {
            return Ok(pid.map_or(Presence::Changing { pid }, |pid| Presence::Unresponsive { pid }));
        };
        match answer {
            Ok((directory, version, since, session)) => {
                let Some(pid) =
                    pid.filter(|_| same_directory(Path::new(&directory), &layout.cluster))
                else {
                    continue;
                };
                return Ok(Presence::Running(Box::new(Running {
                    pid,
                    port,
                    socket_dir,
                    version,
                    since,
                    session,
                })));
            }
            Err(error) => match LoginFailure::of(&error) {
                LoginFailure::NotListening => {}
                LoginFailure::NotNow => return Ok(Presence::Changing { pid }),
                LoginFailure::OtherUser => {
                    let problem = "belongs to another user".to_owned();
                    return Err(LocalError::OtherOwner { path: socket_dir, problem });
                }
                LoginFailure::Denied => return Err(error.into()),
            },
        }
    }
    match pid {
        Some(pid) if process::serves(pid, &layout.cluster) => {
            Ok(Presence::Changing { pid: Some(pid) })
        }
        _ => Ok(Presence::Absent),
    }
}

/// Logs in over TCP as clients do, and leaves again.
///
/// # Errors
/// [`LocalError::Login`] with the server's answer.
pub(super) async fn try_login(
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> Result<(), LocalError> {
    let password = SecretText::new(password.to_owned());
    let endpoint = Endpoint::loopback(port, user, password, database);
    let session = postgres::connect(&endpoint, PURPOSE).await.map_err(LocalError::Login)?;
    leave(session).await;
    Ok(())
}

/// Ends a session without waiting long; the server notices a closed connection by itself.
pub(super) async fn leave(session: PgConnection) {
    drop(timeout(PATIENCE, Endpoint::close(session)).await);
}

async fn greet(
    socket_dir: &Path,
    port: u16,
) -> Result<(String, String, OffsetDateTime, PgConnection), PgError> {
    let endpoint = Endpoint::on_socket(socket_dir, port, SUPERUSER, "postgres");
    let mut session = postgres::connect(&endpoint, PURPOSE).await?;
    let (directory, version, since): (String, String, OffsetDateTime) = sqlx::query_as(
        "SELECT current_setting('data_directory'), split_part(current_setting('server_version'), ' ', 1), \
         pg_postmaster_start_time()",
    )
    .fetch_one(&mut session)
    .await
    .map_err(PgError::doing("ask the local server for its data directory"))?;
    Ok((directory, version, since, session))
}

/// Why a server did not let its superuser in.
enum LoginFailure {
    NotListening,
    NotNow,
    OtherUser,
    Denied,
}

impl LoginFailure {
    fn of(error: &PgError) -> Self {
        let Some(fault) = error.fault() else { return Self::NotNow };
        match fault.io_kind() {
            Some(
                io::ErrorKind::NotFound
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::InvalidInput,
            ) => Self::NotListening,
            Some(io::ErrorKind::PermissionDenied) => Self::OtherUser,
            // The connection broke in the middle of a message: the server is shutting down.
            Some(_) => Self::NotNow,
            // 57P01..57P03: shutting down, crashed, cannot connect now.
            None if fault.sqlstate.as_ref().is_some_and(|code| code.starts_with("57P0")) => {
                Self::NotNow
            }
            None => Self::Denied,
        }
    }
}

fn same_directory(reported: &Path, ours: &Path) -> bool {
    reported == ours || reported.canonicalize().is_ok_and(|reported| reported == ours)
}

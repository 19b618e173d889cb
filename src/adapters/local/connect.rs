//! Connections to the server, and the question whether it is there at all.
//!
//! The superuser is reached here only, over the socket only. Pid files are not
//! believed: a server runs when it answers and names our directory as its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::error::{LocalError, ServerSaid};
use super::layout::Layout;
use super::process::{self, PidFile};
use super::state::State;

/// `initdb` makes this role; it stays reachable over the socket only.
pub(super) const SUPERUSER: &str = "postgres";
/// A local server that takes longer to say hello does not answer.
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

/// What is there.
#[derive(Debug)]
pub(super) enum Presence {
    Absent,
    /// Starting, stopping or recovering.
    Changing {
        pid: Option<i32>,
    },
    /// Accepts connections and says nothing.
    Unresponsive {
        pid: i32,
    },
    Running(Box<Running>),
}

/// Finds out whether the server of `layout` runs.
///
/// # Errors
///
/// [`LocalError::Sql`] when it answers and refuses its own superuser,
/// [`LocalError::OtherOwner`] when its socket is not for us.
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
            Err(error) => match meaning(&error) {
                Meaning::NobodyThere => {}
                Meaning::NotNow => return Ok(Presence::Changing { pid }),
                Meaning::NotForUs => {
                    return Err(LocalError::OtherOwner {
                        path: socket_dir,
                        owner: "another user".to_owned(),
                    });
                }
                Meaning::Refused => {
                    return Err(LocalError::Sql {
                        step: "let its superuser in over the socket",
                        source: error.into(),
                    });
                }
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
///
/// [`LocalError::Login`] with the server's answer.
pub(super) async fn try_login(
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> Result<(), LocalError> {
    let options = base(port, user, database).host("127.0.0.1").password(password);
    let refused = |source| LocalError::Login { port, source };
    let answer = timeout(PATIENCE, async {
        let session = options.connect().await?;
        sqlx::Connection::close(session).await
    });
    match answer.await {
        Ok(answer) => answer.map_err(|error| refused(error.into())),
        Err(_) => Err(refused(ServerSaid::words("no answer"))),
    }
}

/// Ends a session; the server notices either way.
pub(super) async fn leave(session: PgConnection) {
    drop(timeout(PATIENCE, sqlx::Connection::close(session)).await);
}

async fn greet(
    socket_dir: &Path,
    port: u16,
) -> Result<(String, String, OffsetDateTime, PgConnection), sqlx::Error> {
    let mut session = base(port, SUPERUSER, "postgres").socket(socket_dir).connect().await?;
    let (directory, version, since): (String, String, OffsetDateTime) = sqlx::query_as(
        "SELECT current_setting('data_directory'), split_part(current_setting('server_version'), ' ', 1), \
         pg_postmaster_start_time()",
    )
    .fetch_one(&mut session)
    .await?;
    Ok((directory, version, since, session))
}

/// Returns options in which nothing of the environment is left that could lead elsewhere.
///
/// `sqlx` starts from `PGHOST`, `PGPASSWORD` and so on; all of them are set anew here
/// or by the caller. `PGOPTIONS` can only be added to, so what it could disturb is
/// set again behind it. Statements are not logged: one of them carries a verifier.
fn base(port: u16, user: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(user)
        .password("")
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("tenantctl local")
        .options([
            ("search_path", "pg_catalog"),
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("default_transaction_read_only", "off"),
        ])
        .disable_statement_logging()
}

enum Meaning {
    NobodyThere,
    NotNow,
    NotForUs,
    Refused,
}

fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Io(error) => match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput => Meaning::NobodyThere,
            io::ErrorKind::PermissionDenied => Meaning::NotForUs,
            // Cut off in mid-sentence: it is just going down.
            _ => Meaning::NotNow,
        },
        // 57P01..57P03: shutting down, crashed, cannot connect now.
        sqlx::Error::Database(error)
            if error.code().is_some_and(|code| code.starts_with("57P0")) =>
        {
            Meaning::NotNow
        }
        _ => Meaning::Refused,
    }
}

fn same_directory(reported: &Path, ours: &Path) -> bool {
    reported == ours || reported.canonicalize().is_ok_and(|reported| reported == ours)
}

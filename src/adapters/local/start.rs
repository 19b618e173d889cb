//! Starting the server so that it outlives us and holds nothing of ours.
//!
//! `postgres` is started directly rather than through `pg_ctl`: that one polls at 0.1 s, puts paths
//! into a shell command, and cannot tell why a start failed. The settings are arguments, so they
//! hold whatever the files in the cluster say.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::time::sleep;

use super::account::Account;
use super::connect::{self, Presence, Running};
use super::error::LocalError;
use super::files;
use super::initdb;
use super::layout::Layout;
use super::listen;
use super::log_tail;
use super::process::{self, PidFile};
use super::programs::Programs;
use super::report::{LocalEvent, OnEvent};
use super::state::State;
use crate::model::excerpt;

/// How long a server may take to be ready.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long backends of a killed server may take to notice.
const ORPHANS_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
const LARGEST_LOG: u64 = 8 * 1024 * 1024;

/// Closes every descriptor that our parent process left open, then becomes the server.
///
/// A server that kept the pipe of a test harness would keep its reader waiting for ever (bats waits
/// for 3, make's jobs have two). Only bash can name those above 9.
const DETACH: &str = r#"
for n in /dev/fd/*; do
    n=${n##*/}
    case $n in
        0 | 1 | 2) ;;
        [3-9]) eval "exec $n>&-" ;;
        [1-9][0-9]*) [ -z "$BASH_VERSION" ] || eval "exec $n>&-" ;;
    esac
done
exec "$@""#;
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Starts the server and waits until it takes logins.
///
/// The caller holds the lock and has seen that no server runs. A port that turns out to be taken is
/// replaced, in `state` and in its file.
///
/// # Errors
/// [`LocalError::StartFailed`], [`LocalError::StartTimedOut`], [`LocalError::StillHeld`] or
/// [`LocalError::DiskFull`].
pub(super) async fn start(
    layout: &Layout,
    account: &Account,
    programs: &Programs,
    state: &mut State,
    on_event: OnEvent<'_>,
) -> Result<Box<Running>, LocalError> {
    let began = Instant::now();
    wait_for_orphans(layout).await?;
    initdb::write_access_rules(&layout.cluster, account)?;
    loop {
        prepare(layout, account, state, on_event)?;
        on_event(LocalEvent::Starting { port: state.port });
        let (child, offset) = spawn(layout, account, programs, state)?;
        let refusal = match wait(layout, state, child, began).await? {
            StartOutcome::Ready(running) => return Ok(running),
            StartOutcome::TimedOut => {
                let tail = excerpt(&log_tail::appended(&layout.log, offset));
                return Err(LocalError::StartTimedOut {
                    waited: began.elapsed(),
                    log: layout.log.clone(),
                    tail,
                });
            }
            StartOutcome::Ended => log_tail::appended(&layout.log, offset),
        };
        let may_try_again = began.elapsed() < ORPHANS_PATIENCE;
        match reason(&refusal) {
            EndReason::PortTaken if may_try_again => {
                on_event(LocalEvent::PortTaken { port: state.port });
                state.port = listen::free_port();
            }
            // A backend of a killed server that no list showed; it will notice soon.
            EndReason::StillHeld if may_try_again => sleep(Duration::from_millis(200)).await,
            EndReason::StillHeld => {
                return Err(LocalError::StillHeld {
                    directory: layout.cluster.clone(),
                    pids: process::holders(&layout.cluster),
                });
            }
            EndReason::DiskFull => return Err(files::disk_full(&layout.cluster)),
            EndReason::PortTaken | EndReason::Other => {
                return Err(LocalError::StartFailed {
                    log: layout.log.clone(),
                    tail: excerpt(&refusal),
                });
            }
        }
    }
}

async fn wait_for_orphans(layout: &Layout) -> Result<(), LocalError> {
    let began = Instant::now();
    loop {
        let pids = process::holders(&layout.cluster);
        if pids.is_empty() {
            return Ok(());
        }
        if began.elapsed() > ORPHANS_PATIENCE {
            return Err(LocalError::StillHeld { directory: layout.cluster.clone(), pids });
        }
        sleep(POLL).await;
    }
}

/// Clears what a killed server left and settles port and socket directory.
fn prepare(
    layout: &Layout,
    account: &Account,
    state: &mut State,
    on_event: OnEvent<'_>,
) -> Result<(), LocalError> {
    if process::has_pid_file(&layout.cluster) {
        on_event(LocalEvent::StalePidFile {
            pid: PidFile::read(&layout.cluster).map(|file| file.pid),
        });
        process::disown_pid_file(&layout.cluster, account.owner())?;
    }
    let chosen = (state.port, state.socket_dir.clone());
    state.socket_dir = listen::socket_dir(layout, account)?;
    for stale in fs::read_dir(&state.socket_dir).into_iter().flatten().flatten() {
        files::remove_file(&stale.path())?;
    }
    if !listen::is_free(state.port) {
        on_event(LocalEvent::PortTaken { port: state.port });
        state.port = listen::free_port();
    }
    if chosen != (state.port, state.socket_dir.clone()) {
        state.save(&layout.state)?;
    }
    Ok(())
}

fn spawn(
    layout: &Layout,
    account: &Account,
    programs: &Programs,
    state: &State,
) -> Result<(Child, u64), LocalError> {
    let log = open_log(layout, account)?;
    let failed = || files::io_error("write", &layout.log);
    let offset = log.metadata().map_err(failed())?.len();
    let errors = log.try_clone().map_err(failed())?;

    let shell = SHELLS.into_iter().find(|shell| Path::new(shell).exists()).unwrap_or("sh");
    let mut command = account.command(Path::new(shell));
    command
        .args(["-c", DETACH, "sh"])
        .arg(programs.folder.join("postgres"))
        .arg("-D")
        .arg(&layout.cluster);
    for setting in settings(state) {
        command.args(["-c", &setting]);
    }
    let child = command.stdout(log).stderr(errors).spawn();
    Ok((child.map_err(files::io_error("run", &programs.folder.join("postgres")))?, offset))
}

fn settings(state: &State) -> Vec<String> {
    // The value is a list; quotes keep a comma or a blank in the path from splitting it.
    let socket_dir = state.socket_dir.display().to_string().replace('"', "\"\"");
    vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={}", state.port),
        format!("unix_socket_directories=\"{socket_dir}\""),
        "unix_socket_permissions=0700".to_owned(),
        "max_connections=200".to_owned(),
        "password_encryption=scram-sha-256".to_owned(),
        // Work for a client that is gone ends within a second.
        "client_connection_check_interval=1s".to_owned(),
        "cluster_name=tenantctl".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "log_line_prefix=%m [%p] ".to_owned(),
        "log_timezone=UTC".to_owned(),
        "timezone=UTC".to_owned(),
        "lc_messages=C".to_owned(),
    ]
}

/// Opens the log for the server's user, after putting a large one aside.
fn open_log(layout: &Layout, account: &Account) -> Result<File, LocalError> {
    let failed = || files::io_error("open", &layout.log);
    if fs::symlink_metadata(&layout.log)
        .is_ok_and(|found| found.len() > LARGEST_LOG || !found.is_file())
    {
        fs::rename(&layout.log, &layout.old_log).map_err(failed())?;
    }
    files::open_own(&layout.log, account.owner())
}

enum StartOutcome {
    Ready(Box<Running>),
    Ended,
    TimedOut,
}

async fn wait(
    layout: &Layout,
    state: &State,
    mut child: Child,
    began: Instant,
) -> Result<StartOutcome, LocalError> {
    loop {
        let ended =
            child.try_wait().map_err(files::io_error("wait for the server in", &layout.cluster))?;
        if ended.is_some() {
            return Ok(StartOutcome::Ended);
        }
        if let Presence::Running(running) = connect::look(layout, Some(state)).await? {
            return Ok(StartOutcome::Ready(running));
        }
        if began.elapsed() > PATIENCE {
            return Ok(StartOutcome::TimedOut);
        }
        sleep(POLL).await;
    }
}

/// Why the server ended at once.
#[derive(Debug, PartialEq, Eq)]
enum EndReason {
    PortTaken,
    StillHeld,
    DiskFull,
    Other,
}

/// Reads the reason off the log. Its language is fixed by `lc_messages` and `LC_ALL`.
fn reason(log: &str) -> EndReason {
    let has = |text| log.contains(text);
    if has("bind") && has("Address already in use") {
        EndReason::PortTaken
    } else if has("pre-existing shared memory block")
        || has("lock file \"postmaster.pid\" already exists")
    {
        EndReason::StillHeld
    } else if files::says_disk_full(log) {
        EndReason::DiskFull
    } else {
        EndReason::Other
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_reason_is_read_off_the_log() {
        let cases = [
            (
                "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use",
                EndReason::PortTaken,
            ),
            (
                "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
                EndReason::StillHeld,
            ),
            ("FATAL:  lock file \"postmaster.pid\" already exists", EndReason::StillHeld),
            (
                "PANIC:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device",
                EndReason::DiskFull,
            ),
            ("FATAL:  data directory has invalid permissions", EndReason::Other),
            ("", EndReason::Other),
        ];
        for (log, expected) in cases {
            assert_eq!(reason(log), expected, "{log}");
        }
    }

    #[test]
    fn a_socket_directory_with_commas_and_quotes_stays_one() {
        let state = State::generate(1, PathBuf::from("/a, b/\"c\"")).unwrap();
        assert!(
            settings(&state).contains(&"unix_socket_directories=\"/a, b/\"\"c\"\"\"".to_owned())
        );
    }
}

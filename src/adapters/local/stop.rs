//! Stopping the server with signals, so that it works without its programs too.
//!
//! First the fast shutdown, which ends sessions and writes everything down; then, should that hang,
//! the immediate one, from which the next start recovers.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;

use super::account::Account;
use super::connect::{self, Presence};
use super::error::LocalError;
use super::files;
use super::layout::Layout;
use super::process::{self, PidFile};
use super::report::LocalDown;
use super::state::State;

const FAST: Duration = Duration::from_secs(30);
const IMMEDIATE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Ends the server of `layout`, if there is one.
///
/// # Errors
/// [`LocalError::StopTimedOut`] when it still runs after both signals, [`LocalError::OtherOwner`]
/// when it is another user's.
pub(super) async fn stop_if_running(layout: &Layout) -> Result<LocalDown, LocalError> {
    let state = State::load(&layout.state)?.usable();
    Account::choose(layout)?;
    if !layout.is_ours()? {
        return Ok(LocalDown::WasNotRunning);
    }
    let pid = match connect::look(layout, state.as_ref()).await? {
        Presence::Absent | Presence::Changing { pid: None } => return Ok(LocalDown::WasNotRunning),
        Presence::Changing { pid: Some(pid) } | Presence::Unresponsive { pid } => pid,
        Presence::Running(running) => {
            connect::leave(running.session).await;
            running.pid
        }
    };
    let elapsed = stop(layout, pid).await?;
    Ok(LocalDown::Stopped { pid, elapsed })
}

/// Ends the server `pid` and waits until it is gone.
async fn stop(layout: &Layout, pid: i32) -> Result<Duration, LocalError> {
    let began = Instant::now();
    // It may have ended since, and its number may be another process's by now.
    if !process::serves(pid, &layout.cluster) {
        return Ok(began.elapsed());
    }
    for (signal, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        // A stopped process (SIGSTOP) handles the signal only after SIGCONT.
        for signal in [signal, Signal::CONT] {
            process::signal(pid, signal)
                .map_err(files::io_error("stop the server in", &layout.cluster))?;
        }
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            // The file goes last in an orderly end; after a crash only the process tells.
            let is_recorded = PidFile::read(&layout.cluster).is_some_and(|file| file.pid == pid);
            if !is_recorded || !process::serves(pid, &layout.cluster) {
                return Ok(began.elapsed());
            }
            sleep(POLL).await;
        }
    }
    Err(LocalError::StopTimedOut { pid, waited: began.elapsed() })
}

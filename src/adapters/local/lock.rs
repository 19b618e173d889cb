//! One tenantctl at a time: a lock on a file in the data dir.
//!
//! The system gives the lock back when its holder ends, however it ends, so there
//! is nothing stale to clean up and the file itself always stays.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::error::LocalError;
use super::files;
use super::layout::Layout;
use super::report::{LocalEvent, OnEvent};

const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(20);

/// Takes the lock of the data dir; dropping the file gives it back.
///
/// # Errors
///
/// [`LocalError::Locked`] when another process keeps it too long,
/// [`LocalError::OtherOwner`] when the data dir is not for us.
pub(super) async fn take(layout: &Layout, on_event: OnEvent<'_>) -> Result<File, LocalError> {
    let file = files::open_own(&layout.lock, files::owner_beside(&layout.lock))?;
    let began = Instant::now();
    let mut has_said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(files::io_error("could not lock", &layout.lock)(error));
            }
            Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => {
                return Err(LocalError::Locked {
                    path: layout.lock.clone(),
                    waited: began.elapsed(),
                });
            }
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut has_said, true) {
                    on_event(LocalEvent::WaitingForLock);
                }
                sleep(POLL).await;
            }
        }
    }
}

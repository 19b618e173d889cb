//! One tenantctl at a time: a lock on a file in the data dir.

use std::fs::File;
use std::time::Duration;

use super::error::LocalError;
use super::files;
use super::layout::Layout;
use super::report::{LocalEvent, OnEvent};
use crate::files::{LockError, lock};

const PATIENCE: Duration = Duration::from_mins(2);

/// Takes the lock of the data dir; dropping the file gives it back.
///
/// # Errors
/// [`LocalError::Locked`] when another process keeps it too long, [`LocalError::OtherOwner`] when
/// we may not write to the data dir.
pub(super) async fn take(layout: &Layout, on_event: OnEvent<'_>) -> Result<File, LocalError> {
    let path = &layout.lock;
    let on_wait = || on_event(LocalEvent::WaitingForLock);
    let taken = lock(path, files::owner_beside(path), PATIENCE, on_wait).await;
    taken.map_err(|error| match error {
        LockError::Io(error) => files::not_opened(path)(error),
        LockError::Held { waited } => LocalError::Locked { path: path.clone(), waited },
    })
}

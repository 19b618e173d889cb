//! A lock between processes: `flock` on a file that always stays.
//!
//! The kernel releases it when its holder ends, however that happens, so that nothing stale is ever
//! left to clean up.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::open::{Owner, open_to_append};

/// How often a lock that another process holds is tried again. `flock` with a deadline does not
/// exist, and blocking in it would keep a signal from being noticed.
const POLL: Duration = Duration::from_millis(10);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("another process held it for {waited:?}")]
    Held { waited: Duration },
}

/// Takes the lock; dropping the file releases it. `on_wait` is called once, before the first wait.
///
/// # Errors
/// `Held` when another process still has it after `patience`; it is tried once in any case.
pub(crate) async fn lock(
    path: &Path,
    owner: Owner,
    patience: Duration,
    on_wait: impl FnOnce(),
) -> Result<File, LockError> {
    let file = open_to_append(path, owner)?;
    let began = Instant::now();
    let mut on_wait = Some(on_wait);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => {
                return Err(LockError::Held { waited: began.elapsed() });
            }
            Err(TryLockError::WouldBlock) => {
                if let Some(on_wait) = on_wait.take() {
                    on_wait();
                }
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_held_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let first = lock(&path, None, Duration::ZERO, || unreachable!()).await.unwrap();
        let refused = lock(&path, None, Duration::ZERO, || ()).await;
        assert!(matches!(refused, Err(LockError::Held { .. })), "{refused:?}");
        let mut waits = 0;
        let patience = Duration::from_mins(1);
        let waiting = lock(&path, None, patience, || waits += 1);
        let releasing = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(waiting, releasing);
        assert!(second.is_ok());
        assert_eq!(waits, 1);
    }
}

//! Waiting for a condition, with a deadline and the last thing that was seen.
//!
//! No test sleeps to pass: a time that is long enough today is too short on a busy machine.

use std::time::{Duration, Instant};

/// How long anything that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until `look` finds what it waits for; panics with the last `Err` when the
/// time is up.
pub(crate) fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match look() {
            Ok(found) => return found,
            Err(status) if Instant::now() > deadline => {
                panic!("waited {patience:?} for {what}; at last: {status}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

//! The hook through which tests make a step fail, stop or die; release builds have none.

use crate::model::InternalError;

/// Dies, waits or fails when `TENANTCTL_FAIL` names this point, as in `place.before:kill`.
///
/// Points are `<step>.before` (intent recorded, nothing done) and `<step>.after` (done, not
/// recorded).
#[cfg(debug_assertions)]
pub(super) async fn at(step: &str, moment: &str) -> Result<(), InternalError> {
    #[expect(clippy::disallowed_methods, reason = "a hook for tests, not a setting")]
    let wanted = std::env::var("TENANTCTL_FAIL").unwrap_or_default();
    let Some((point, what)) = wanted.split_once(':') else { return Ok(()) };
    if point != format!("{step}.{moment}") {
        return Ok(());
    }
    match what {
        "kill" => {
            let us = rustix::process::getpid();
            let _ = rustix::process::kill_process(us, rustix::process::Signal::KILL);
            // The signal is on its way; nothing may run behind it.
            std::future::pending().await
        }
        // Until SIGCONT.
        "pause" => {
            let us = rustix::process::getpid();
            let _ = rustix::process::kill_process(us, rustix::process::Signal::STOP);
            Ok(())
        }
        _ => Err(InternalError("go on: a test asked for this failure")),
    }
}

/// Does nothing: this build has no failpoints.
#[cfg(not(debug_assertions))]
pub(super) async fn at(_step: &str, _moment: &str) -> Result<(), InternalError> {
    Ok(())
}

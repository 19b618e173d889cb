//! The hook through which tests make a step fail, stop or die; release builds have none.

/// What a test asked to happen at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The step returns an error.
    Fail,
}

/// Dies, waits or fails when `TENANTCTL_FAIL` names this point, as in `place.before:kill`.
///
/// Points are `<step>.before` (intent recorded, nothing done) and `<step>.after` (done, not
/// recorded).
#[cfg(debug_assertions)]
pub(super) async fn at(step: &str, moment: &str) -> Option<Fault> {
    #[expect(clippy::disallowed_methods, reason = "a hook for tests, not a setting")]
    let wanted = std::env::var("TENANTCTL_FAIL").ok()?;
    let (point, what) = wanted.split_once(':')?;
    if point != format!("{step}.{moment}") {
        return None;
    }
    match what {
        "kill" => {
            let us = rustix::process::getpid();
            let _ = rustix::process::kill_process(us, rustix::process::Signal::KILL);
            // The signal is on its way; nothing may run behind it.
            std::future::pending().await
        }
        // Until somebody tells us to go on.
        "pause" => {
            let us = rustix::process::getpid();
            let _ = rustix::process::kill_process(us, rustix::process::Signal::STOP);
            None
        }
        _ => Some(Fault::Fail),
    }
}

/// Does nothing: this build has no failpoints.
#[cfg(not(debug_assertions))]
pub(super) async fn at(_step: &str, _moment: &str) -> Option<Fault> {
    None
}

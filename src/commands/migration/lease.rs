//! For how long what a process takes of a run is its own without a word from it.

use std::time::Duration;

/// Without a word for longer than this it is taken to be dead.
const LEASE: Duration = Duration::from_secs(30);

/// Returns how long; tests may shorten it, release builds know no other.
#[cfg(debug_assertions)]
pub(super) fn lease() -> Duration {
    let asked = crate::config::environment("TENANTCTL_LEASE_MS");
    let asked = asked.and_then(|text| text.to_str()?.parse().ok());
    asked.map_or(LEASE, Duration::from_millis)
}

#[cfg(not(debug_assertions))]
pub(super) fn lease() -> Duration {
    LEASE
}

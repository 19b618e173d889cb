//! How much faster than usual others' APIs are waited for.

/// Returns the divisor of every wait for the Management API: a hook for tests, which release builds
/// do not have.
#[cfg(debug_assertions)]
pub(super) fn haste() -> u32 {
    let asked =
        crate::config::environment("TENANTCTL_HASTE").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(1).max(1)
}

#[cfg(not(debug_assertions))]
pub(super) fn haste() -> u32 {
    1
}

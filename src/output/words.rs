//! Durations, dates and verdicts in words.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::model::TenantNames;
use crate::services::fleet::{Cause, TenantVerdict};

/// A report with more tenants than this shows only what is out of the ordinary.
pub(super) const FULL_TABLE: usize = 50;

/// Returns a duration in whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a duration as people read it: `340 ms`, `2.1 s`, `1m 05s`.
pub(super) fn shown(duration: Duration) -> String {
    match duration.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms @ 1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{}m {:02}s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Returns a number of bytes as people read it: `812 KiB`, `7.3 MiB`, `1.2 GiB`.
pub(super) fn bytes_shown(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        0x10_0000..0x4000_0000 => format!("{} MiB", tenths(0x10_0000)),
        _ => format!("{} GiB", tenths(0x4000_0000)),
    }
}

/// Returns for how long something goes on: below a minute in whole seconds, which change calmly.
pub(super) fn whole_seconds(since: Instant, now: Instant) -> String {
    match now.saturating_duration_since(since) {
        short if short.as_secs() < 60 => format!("{} s", short.as_secs()),
        long => shown(long),
    }
}

/// Returns the day of an instant, in UTC.
pub(super) fn date(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).date().to_string()
}

/// Returns a number of tenants in words.
pub(super) fn count(tenants: usize) -> String {
    if tenants == 1 { "1 tenant".to_owned() } else { format!("{tenants} tenants") }
}

/// How many of those that are alike are named.
const NAMED: usize = 3;

/// Returns the first of several tenants, and how many more there are.
pub(super) fn some_of(tenants: &[&TenantNames]) -> String {
    let named: Vec<_> = tenants.iter().take(NAMED).map(ToString::to_string).collect();
    match tenants.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Returns the word for a tenant's verdict, and what was done or why not.
pub(super) fn verdict(verdict: &TenantVerdict) -> (&'static str, String) {
    match verdict {
        TenantVerdict::Done(lines) => ("done", lines.join(", ")),
        TenantVerdict::Unchanged => ("unchanged", String::new()),
        TenantVerdict::Planned(lines) => ("planned", lines.join(", ")),
        TenantVerdict::Skipped(reason) => ("skipped", reason.clone()),
        TenantVerdict::NotBegun => ("not_begun", String::new()),
        TenantVerdict::Failed(Cause { chain, .. }) => {
            ("failed", format!("failed to {}", chain.join(": ")))
        }
    }
}

//! Clocks for what is judged without a database: the age of a cached file, a token offline.
//!
//! Order and expiry of recorded rows use the control plane's clock, since two machines' clocks
//! differ.

use std::fmt::Debug;

use time::OffsetDateTime;

pub trait Clock: Debug + Send + Sync {
    fn now(&self) -> OffsetDateTime;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

//! What time it is, for what no database is asked about: the age of a cached file, a token judged
//! offline.
//!
//! Order and expiry of what is recorded use the control plane's clock; this one is for the rest.

use std::fmt::Debug;

use time::OffsetDateTime;

/// A source of the present moment.
pub trait Clock: Debug + Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the machine we run on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

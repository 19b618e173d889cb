//! For how long a command waits.

use std::time::{Duration, Instant};

/// How long a command may wait: each wait for itself, or all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Each wait ends after this long.
    Each(Duration),
    /// The command has one deadline, and each wait what is left until then.
    Whole {
        /// What the operator allowed.
        length: Duration,
        /// When that is over.
        at: Instant,
    },
}

impl Default for Patience {
    fn default() -> Self {
        Self::Each(Duration::ZERO)
    }
}

impl From<Duration> for Patience {
    fn from(length: Duration) -> Self {
        Self::Each(length)
    }
}

impl Patience {
    /// Returns the patience of a command that begins now and may take so long in all.
    pub(crate) fn whole(length: Duration) -> Self {
        let now = Instant::now();
        // What no clock can reach is never over.
        match now.checked_add(length) {
            Some(at) => Self::Whole { length, at },
            None => Self::Each(length),
        }
    }

    /// Returns how long was allowed.
    pub(crate) fn length(self) -> Duration {
        match self {
            Self::Each(length) | Self::Whole { length, .. } => length,
        }
    }

    /// Returns when a wait is over that begins now.
    pub(crate) fn until<I: From<Instant>>(self) -> I {
        I::from(match self {
            Self::Each(length) => {
                let now = Instant::now();
                now.checked_add(length).unwrap_or(now + Duration::from_hours(24))
            }
            Self::Whole { at, .. } => at,
        })
    }

    /// Returns when a wait is over that begins now and has a limit of its own, which alone counts
    /// where the command has no deadline.
    pub(crate) fn until_within<I: From<Instant>>(self, limit: Duration) -> I {
        I::from(Instant::now() + self.bound(limit))
    }

    /// Returns the same for what something else follows on: of a command's deadline three quarters of
    /// what is left.
    #[must_use]
    pub(crate) fn leaving_time(self) -> Self {
        match (self, self.left()) {
            (Self::Whole { length, .. }, Some(left)) => {
                Self::Whole { length, at: Instant::now() + left * 3 / 4 }
            }
            _ => self,
        }
    }

    /// Returns how long something may take that begins now and has a limit of its own. Without a
    /// deadline of the command the limit alone counts.
    pub(crate) fn bound(self, limit: Duration) -> Duration {
        self.left().map_or(limit, |left| left.min(limit))
    }

    /// Returns what is left until the command's deadline, if it has one.
    pub(crate) fn left(self) -> Option<Duration> {
        match self {
            Self::Each(_) => None,
            Self::Whole { at, .. } => Some(at.saturating_duration_since(Instant::now())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_after_each_other_share_one_deadline_or_none() {
        let whole = Patience::whole(Duration::from_secs(5));
        let (first, second): (Instant, Instant) = (whole.until(), whole.until());
        assert_eq!(first, second);
        assert!(whole.until_within::<Instant>(Duration::from_secs(1)) < first);
        assert!(whole.bound(Duration::from_secs(9)) <= Duration::from_secs(5));
        assert_eq!(whole.bound(Duration::from_millis(1)), Duration::from_millis(1));

        let first = whole.leaving_time().left();
        assert!(first < whole.left(), "a quarter is left");

        let each = Patience::Each(Duration::from_secs(5));
        let first: Instant = each.until();
        std::thread::yield_now();
        assert!(each.until::<Instant>() > first || Instant::now() == first);
        assert_eq!(each.bound(Duration::from_secs(9)), Duration::from_secs(9));
        assert_eq!(each.left(), None);
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_nothing() {
        let past = Patience::Whole { length: Duration::from_secs(1), at: Instant::now() };
        assert_eq!(past.left(), Some(Duration::ZERO));
        assert_eq!(past.bound(Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn what_no_clock_reaches_is_never_over() {
        assert_eq!(Patience::whole(Duration::MAX).left(), None);
    }
}

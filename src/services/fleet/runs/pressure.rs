//! How many tenants at a time: fewer where the servers have no room, and more again after that.
//!
//! Pure: it is told how turns ended and what is free, and answers with a number.

use std::time::Duration;

use crate::model::{Classified, ErrorKind};
use crate::services::migration::MigrationError;

/// The first delay before another turn; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// How many turns end well for each that are taken at a time before there is one more.
const WELL: usize = 4;

/// What a turn was held up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) why: &'static str,
    /// How many turns may end so before that counts as the tenant's failure.
    tries: i32,
    longest_delay: Duration,
}

impl Hold {
    /// A connection is free again soon, and nothing was waited for.
    const fn of_connections(why: &'static str) -> Self {
        Self { why, tries: 20, longest_delay: Duration::from_secs(2) }
    }

    /// In each turn the lock was waited for.
    const fn of_locks(why: &'static str) -> Self {
        Self { why, tries: 4, longest_delay: Duration::from_secs(8) }
    }

    const fn of_server(why: &'static str) -> Self {
        Self { why, tries: 8, longest_delay: Duration::from_secs(8) }
    }

    /// Returns how long a tenant waits that had so many turns before; nothing when this was its last.
    pub(super) fn delay(self, attempts: i32) -> Option<Duration> {
        let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
        let delay = (FIRST_DELAY * 2_u32.pow(doublings)).min(self.longest_delay);
        (attempts + 1 < self.tries).then_some(delay)
    }
}

/// How many tenants at a time are worked on now, and at most.
#[derive(Debug)]
pub(super) struct Pressure {
    most: usize,
    now: usize,
    /// Turns that ended well since the number last changed.
    good: usize,
    /// Why it is fewer than asked for.
    why: Option<String>,
    /// How many connections we may have, and why that is not what was asked for.
    budget: Option<usize>,
}

impl Pressure {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, now: most, good: 0, why: None, budget: None }
    }

    /// Returns how many tenants at a time.
    pub(super) fn jobs(&self) -> usize {
        self.now.min(self.budget.unwrap_or(usize::MAX)).max(1)
    }

    /// Returns why these are fewer than were asked for.
    pub(super) fn why(&self) -> Option<String> {
        let budget = self.budget.unwrap_or(usize::MAX);
        if budget < self.now {
            return Some(format!("half of the server's free connections are {budget}"));
        }
        self.why.clone().filter(|_| self.now < self.most)
    }

    /// A turn ended well.
    pub(super) fn went_well(&mut self) {
        self.good += 1;
        if self.good >= self.now * WELL && self.now < self.most {
            (self.now, self.good) = (self.now + 1, 0);
        }
    }

    /// A turn ended for want of room.
    pub(super) fn held_up(&mut self, why: &str) {
        // Those that ran beside it tell of the same moment.
        if self.good > 0 || self.now == self.most {
            self.now = (self.now / 2).max(1);
        }
        (self.good, self.why) = (0, Some(why.to_owned()));
    }

    /// So many connections of the server are free beside our own: half of all that are not others'.
    pub(super) fn measured(&mut self, free: usize, ours: usize) {
        self.budget = Some((free.saturating_add(ours) / 2).max(1));
    }
}

/// Returns what a turn that failed was held up by; nothing where it is the tenant's own failure.
pub(super) fn want_of_room(error: &MigrationError) -> Option<Hold> {
    let code = error.refusal().sqlstate;
    match code.as_deref() {
        Some("53300") => Some(Hold::of_connections("no connection was free")),
        Some("55P03" | "40P01") => Some(Hold::of_locks("a lock was held")),
        Some("57P01" | "57P02" | "57P03") => Some(Hold::of_server("the server shut down")),
        Some(code) if code.starts_with("08") => Some(Hold::of_server("the connection was lost")),
        Some(code) if code.starts_with("53") => {
            Some(Hold::of_server("the server is short of memory or disk"))
        }
        None if error.is_locked_by_another() => {
            Some(Hold::of_locks("another migration held the tenant's lock"))
        }
        None if error.kind() == ErrorKind::Unavailable
            && !matches!(error, MigrationError::TimedOut(_)) =>
        {
            Some(Hold::of_server("the server did not answer"))
        }
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_halve_once_for_one_moment_and_grow_again_one_by_one() {
        let mut pressure = Pressure::new(8);
        for _ in 0..4 {
            pressure.held_up("full");
        }
        assert_eq!((pressure.jobs(), pressure.why().as_deref()), (4, Some("full")));
        pressure.went_well();
        pressure.held_up("full");
        assert_eq!(pressure.jobs(), 2);
        for _ in 0..(2 + 3 + 4 + 5 + 6 + 7) * WELL {
            pressure.went_well();
        }
        assert_eq!((pressure.jobs(), pressure.why()), (8, None));
        let mut one = Pressure::new(1);
        one.held_up("full");
        assert_eq!(one.jobs(), 1);
    }

    #[test]
    fn a_hold_is_waited_out_longer_and_longer_and_not_for_ever() {
        let hold = Hold::of_locks("a lock was held");
        let delays: Vec<_> = (0..5).map(|attempts| hold.delay(attempts)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(delays, [ms(500), ms(1000), ms(2000), None, None]);
        assert_eq!(Hold::of_connections("x").delay(9), ms(2000));
    }

    #[test]
    fn half_of_what_is_free_is_ours() {
        let mut pressure = Pressure::new(8);
        pressure.measured(4, 8);
        assert_eq!((pressure.jobs(), pressure.why().is_some()), (6, true));
        pressure.measured(100, 6);
        assert_eq!((pressure.jobs(), pressure.why()), (8, None));
        pressure.measured(0, 0);
        assert_eq!(pressure.jobs(), 1);
    }
}

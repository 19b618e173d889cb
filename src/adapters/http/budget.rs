//! A limit of our own on how often one thing is asked, so that a fleet of calls never runs into the
//! other side's.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// At most so many calls of one kind within a window that slides.
#[derive(Debug)]
pub(crate) struct Budget {
    calls: usize,
    window: Duration,
    made: Mutex<HashMap<&'static str, VecDeque<Instant>>>,
}

impl Budget {
    /// Returns a budget of `calls` of each kind in any `window`.
    pub(crate) fn new(calls: usize, window: Duration) -> Self {
        Self { calls: calls.max(1), window, made: Mutex::new(HashMap::new()) }
    }

    /// Waits until a call of this kind may be made, and counts it; `false` when that would be
    /// after the deadline, and then nothing is counted.
    pub(crate) async fn spend(&self, kind: &'static str, deadline: Instant) -> bool {
        let at = self.reserve(kind, Instant::now(), deadline);
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
        at.is_some()
    }

    /// Returns when a call may be made and counts it, if that is before the deadline.
    fn reserve(&self, kind: &'static str, now: Instant, deadline: Instant) -> Option<Instant> {
        let mut made = match self.made.lock() {
            Ok(made) => made,
            Err(poisoned) => poisoned.into_inner(),
        };
        let calls = made.entry(kind).or_default();
        while calls.front().is_some_and(|first| *first + self.window <= now) {
            calls.pop_front();
        }
        // Calls that wait are counted with the time they will be made at.
        let at = match calls.len().checked_sub(self.calls) {
            None => now,
            Some(index) => calls.get(index).map_or(now, |first| *first + self.window).max(now),
        };
        if at > deadline {
            return None;
        }
        calls.push_back(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_ever_holds_more_than_the_budget() {
        let budget = Budget::new(3, Duration::from_mins(1));
        let start = Instant::now();
        let far = start + Duration::from_hours(1);
        let seconds = |at: Option<Instant>| at.map(|at| (at - start).as_secs());
        let at: Vec<_> = (0..7).map(|_| seconds(budget.reserve("get", start, far))).collect();
        assert_eq!(at, [0, 0, 0, 60, 60, 60, 120].map(Some));
        assert_eq!(seconds(budget.reserve("other", start, far)), Some(0));
        let soon = start + Duration::from_secs(5);
        assert_eq!(budget.reserve("get", start, soon), None);
    }
}

//! What a command waits for at this moment, for whoever tells the operator.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The waits under way, longest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    begun: u64,
    now: Vec<(u64, Wait)>,
}

/// A wait: what for, since when, and whether it is told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wait {
    /// What is waited for, to be read after "waiting for".
    pub what: String,
    pub since: Instant,
    /// Whether it is known what is in the way: told before a server that is merely slow.
    pub is_known: bool,
}

impl Waiting {
    /// Begins to wait for something that usually comes at once, until the answer is dropped.
    pub(crate) fn on(&self, what: impl Into<String>) -> Awaited {
        self.begin(Wait { what: what.into(), since: Instant::now(), is_known: false })
    }

    /// Begins to wait for something that is known to be in the way.
    pub(crate) fn held_up_by(&self, what: impl Into<String>) -> Awaited {
        self.begin(Wait { what: what.into(), since: Instant::now(), is_known: true })
    }

    /// Returns the wait to tell of: what is known to be in the way, else the longest.
    pub(crate) fn foremost(&self) -> Option<Wait> {
        let waits = self.waits();
        let known = waits.now.iter().find(|(_, wait)| wait.is_known);
        known.or(waits.now.first()).map(|(_, wait)| wait.clone())
    }

    fn begin(&self, wait: Wait) -> Awaited {
        let mut waits = self.waits();
        waits.begun += 1;
        let id = waits.begun;
        waits.now.push((id, wait));
        Awaited { waiting: self.clone(), id }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait under way; dropped, it is over.
#[derive(Debug)]
#[must_use = "the wait is over when this is dropped"]
pub(crate) struct Awaited {
    waiting: Waiting,
    id: u64,
}

impl Awaited {
    /// Says better what is waited for; since when stays.
    pub(crate) fn name(&self, what: impl Into<String>, is_known: bool) {
        let mut waits = self.waiting.waits();
        if let Some((_, wait)) = waits.now.iter_mut().find(|(id, _)| *id == self.id) {
            wait.what = what.into();
            wait.is_known = is_known;
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.waiting.waits().now.retain(|(id, _)| *id != self.id);
    }
}

/// For how long something is waited for before it is worth a word.
pub(crate) const WORTH_A_WORD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_told_unless_something_is_known_to_be_in_the_way() {
        let waiting = Waiting::default();
        let told = || waiting.foremost().map(|wait| wait.what);
        assert_eq!(told(), None);
        let server = waiting.on("server a");
        let other = waiting.on("server b");
        assert_eq!(told().as_deref(), Some("server a"));
        let lock = waiting.held_up_by("the lock on acme");
        assert_eq!(told().as_deref(), Some("the lock on acme"));
        drop((server, lock));
        assert_eq!(told().as_deref(), Some("server b"));
        other.name("server b, which is full", true);
        assert_eq!(told().as_deref(), Some("server b, which is full"));
        drop(other);
        assert_eq!(told(), None);
    }
}

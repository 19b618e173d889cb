//! The operator's wish to stop, and what has to be known then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error_kind::ErrorKind;

/// Set by the first SIGINT, SIGTERM or SIGHUP while something is to be finished first: the step in
/// hand is, and no other one is started. Where nothing is, a signal ends the command at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_raised: AtomicBool,
    is_handed_over: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What is finished first, to be read after "stopping after"; the last one counts.
    finishing: Vec<(u64, String)>,
    begun: u64,
    standing: Option<(String, ErrorKind)>,
}

impl Interrupt {
    pub(crate) fn raise(&self) {
        self.0.is_raised.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.is_raised.load(Ordering::SeqCst)
    }

    /// Leaves Ctrl-C to a program at the same terminal, until the guard is dropped.
    pub(crate) fn hand_over(&self) -> HandedOver {
        self.0.is_handed_over.store(true, Ordering::SeqCst);
        HandedOver(Arc::clone(&self.0))
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.0.is_handed_over.load(Ordering::SeqCst)
    }

    /// Lets the first signal wait until something is finished, for as long as the answer lives.
    pub(crate) fn finishes(&self, what: impl Into<String>) -> Finishing {
        let mut known = self.known();
        known.begun += 1;
        let id = known.begun;
        known.finishing.push((id, what.into()));
        Finishing { interrupt: self.clone(), id }
    }

    /// Returns what is finished before a first signal ends the command; nothing where it does at once.
    pub(crate) fn finishing(&self) -> Option<String> {
        self.known().finishing.last().map(|(_, what)| what.clone())
    }

    /// Says what is in force from now on, as a sentence, and how a command ends that is stopped after
    /// it.
    pub(crate) fn stands(&self, what: impl Into<String>, ending: ErrorKind) {
        self.known().standing = Some((what.into(), ending));
    }

    /// Returns the last word of a command that is stopped: what is in force.
    pub(crate) fn standing(&self) -> Option<(String, ErrorKind)> {
        self.known().standing.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is finished before a first signal ends the command.
#[derive(Debug)]
#[must_use = "a signal ends the command at once when this is dropped"]
pub(crate) struct Finishing {
    interrupt: Interrupt,
    id: u64,
}

impl Finishing {
    /// Says what it is now.
    pub(crate) fn now(&self, what: impl Into<String>) {
        let mut known = self.interrupt.known();
        if let Some((_, known)) = known.finishing.iter_mut().find(|(id, _)| *id == self.id) {
            *known = what.into();
        }
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        self.interrupt.known().finishing.retain(|(id, _)| *id != self.id);
    }
}

/// For as long as it lives, Ctrl-C is another program's.
#[derive(Debug)]
pub(crate) struct HandedOver(Arc<State>);

impl Drop for HandedOver {
    fn drop(&mut self) {
        self.0.is_handed_over.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_waits_only_for_what_is_being_finished() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.finishing(), None);
        let turns = interrupt.finishes("the 4 that run");
        assert_eq!(interrupt.finishing().as_deref(), Some("the 4 that run"));
        turns.now("the one that runs");
        assert_eq!(interrupt.finishing().as_deref(), Some("the one that runs"));
        drop(turns);
        assert_eq!(interrupt.finishing(), None);
        interrupt.stands("acme is locked", ErrorKind::Unproven);
        let word = interrupt.standing().unwrap();
        assert_eq!(word, ("acme is locked".to_owned(), ErrorKind::Unproven));
    }
}

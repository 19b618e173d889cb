//! The operator's request to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the first SIGINT, SIGTERM or SIGHUP. It is looked at between two steps: the step in hand
/// is finished and no other one is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_raised: AtomicBool,
    is_handed_over: AtomicBool,
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
}

/// For as long as it lives, Ctrl-C is another program's.
#[derive(Debug)]
pub(crate) struct HandedOver(Arc<Flags>);

impl Drop for HandedOver {
    fn drop(&mut self) {
        self.0.is_handed_over.store(false, Ordering::SeqCst);
    }
}

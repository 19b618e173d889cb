//! What happens while a tenant is locked down or unlocked.

use super::layer::LayerReport;

/// Something worth telling while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockdownEvent<'a> {
    /// Layers, or the probes, are begun side by side.
    Begun(&'a [&'static str]),
    /// A layer is over.
    Layer(&'a LayerReport),
    /// Auth's list of users is being read.
    Users(Counted),
    /// Bans are being lifted.
    Lifting {
        /// Of how many it is known whether they are lifted.
        done: usize,
        of: usize,
    },
}

/// How far Auth's list of users was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// How many users were looked at.
    pub seen: usize,
    /// How many there are by Auth's own count.
    pub of: Option<u64>,
    /// How many are banned by now.
    pub banned: usize,
    /// How often the list was begun.
    pub passes: u32,
}

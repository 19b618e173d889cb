//! Being the only one who works on a tenant, and the operation that says so.
//!
//! The lock lives on a session of its own and with it dies when the process does; the journal's
//! lease keeps a process out that was suspended and wakes up late.

mod hold;
mod open;
mod quarantine;
mod unlocked;

pub(super) use hold::{Held, find, lock, reread};
pub(super) use open::{Opening, open_in, stopped};
pub(super) use quarantine::{never_stamped, refuse_quarantined};
pub(super) use unlocked::commit_unless_locked;

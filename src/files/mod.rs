//! Private files: opened without following links where we choose the path, replaced in one step,
//! locked with a deadline.
//!
//! Ground for `config`, `commands` and the adapters that keep something on disk. It answers
//! `io::Error` and knows nothing of what the files hold. Directories stay with their owners.

mod create;
mod lock;
mod open;
mod replace;

pub(crate) use create::create_private;
pub(crate) use lock::{LockError, lock};
pub(crate) use open::{OpenError, Others, Owner, open_named, open_regular, open_to_append, others};
pub(crate) use replace::{replace_cache, replace_durably};

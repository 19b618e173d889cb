//! Published keys: read from a file, or fetched and kept on disk for an hour.
//!
//! It knows keys and their ages, and nothing of tokens.

mod cache;
mod error;
mod fetch;
mod keys;
mod published;

pub use error::JwksError;
pub use keys::{KeyKind, KeySet, PublicKey, SET_SIZE_LIMIT, SkippedKey};
pub use published::{COOLDOWN, FRESH_FOR, Jwks, Published, USABLE_FOR};

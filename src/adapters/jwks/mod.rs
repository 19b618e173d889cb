//! Published keys: read from a file, or fetched and kept on disk for an hour.
//!
//! It knows keys and their ages, and nothing of tokens.

mod cache;
mod error;
mod fetch;
mod keys;
mod published;

pub use keys::{KeyKind, KeySet, PublicKey};
pub use published::{Jwks, Published};

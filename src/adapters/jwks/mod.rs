//! Published keys: read from a file, or fetched and kept on disk for an hour.
//!
//! It knows keys and their ages, and nothing of tokens.

mod cache;
mod endpoint;
mod error;
mod fetch;
mod keys;

pub use endpoint::{Jwks, Published};
pub use keys::{KeyKind, KeySet, PublicKey};

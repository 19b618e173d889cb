//! Published keys: read from a file, or fetched and kept on disk for an hour.
//!
//! It knows keys and their ages, and nothing of tokens.

mod cache;
mod endpoint;
mod error;
mod fetch;
mod keys;
mod published;
mod skipped;
mod source;
mod weak;

pub use keys::KeySet;
pub(crate) use keys::{KeyKind, PublicKey};
pub(crate) use published::Published;
pub use source::Jwks;

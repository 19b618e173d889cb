//! Keys, with where and when they were published.

use time::OffsetDateTime;

use super::keys::KeySet;

#[derive(Debug, Clone)]
pub struct Published {
    pub set: KeySet,
    pub source: String,
    /// When the endpoint answered; nothing for a file.
    pub fetched_at: Option<OffsetDateTime>,
    /// Whether this command fetched them.
    pub was_fetched: bool,
    /// Whether they are older than an answer is used without fetching again.
    pub is_stale: bool,
    /// Until when no missing key makes us fetch again, after an answer that did not have one.
    pub rests_until: Option<OffsetDateTime>,
    /// Why the last fetch failed, if it did.
    pub problem: Option<String>,
    /// Why they could not be written to the cache, if they could not.
    pub not_kept: Option<String>,
}

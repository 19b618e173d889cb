//! Where a tenant stands in its life.

use std::fmt;
use std::str::FromStr;

use super::words::{UnknownWord, find_word, word_of};

/// Where a tenant stands in its life: `provisioning → active ⇄ locked`, any of them `→ deleted →
/// purging → purged`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// Being created; not for use yet.
    Provisioning,
    /// In use.
    Active,
    /// Locked down: access refused, everything kept.
    Locked,
    /// Access cut, everything still there; `tenant restore` brings it back.
    Deleted,
    /// Past the point of no return, the database is being dropped.
    Purging,
    /// Gone, proved so; the row stays as a tombstone.
    Purged,
}

impl TenantStatus {
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Provisioning, "provisioning"),
        (Self::Active, "active"),
        (Self::Locked, "locked"),
        (Self::Deleted, "deleted"),
        (Self::Purging, "purging"),
        (Self::Purged, "purged"),
    ];

    /// Returns the word the database and JSON use.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

    /// Returns every word a status can be asked for by.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|(_, word)| *word)
    }
}

impl FromStr for TenantStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "status", text)
    }
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

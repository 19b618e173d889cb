//! The states of a tenant's life.

use std::fmt;
use std::str::FromStr;

use super::words::{UnknownWord, find_word, word_of};

/// `provisioning → active`, either `→ deleted → purging → purged`. A lock is a mark beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// Being created; not to be used yet.
    Provisioning,
    Active,
    /// Access is refused, everything is kept; `tenant restore` brings it back.
    Deleted,
    /// The database is being dropped; there is no way back.
    Purging,
    /// The database was looked for and does not exist any more; the row stays, so that the id is
    /// never used again.
    Purged,
}

impl TenantStatus {
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Provisioning, "provisioning"),
        (Self::Active, "active"),
        (Self::Deleted, "deleted"),
        (Self::Purging, "purging"),
        (Self::Purged, "purged"),
    ];

    /// Returns the word in the control plane and in JSON.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

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

//! Where a tenant's database lives.

use std::str::FromStr;

use super::words::{UnknownWord, find_word, word_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Placement {
    /// A Supabase project of its own.
    Project,
    /// A database of its own in the shared cluster.
    #[default]
    Database,
}

impl Placement {
    const WORDS: [(Self, &'static str); 2] =
        [(Self::Project, "project"), (Self::Database, "database")];

    /// Returns the word in the control plane, in settings and in JSON.
    pub(crate) fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl Placement {
    /// Returns whether a new home comes up by itself after it was asked for: a Supabase project takes
    /// one to three minutes.
    pub(crate) fn is_awaited(self) -> bool {
        self == Self::Project
    }

    /// Returns whether a tenant for which no region was named gets one all the same: the region that
    /// its project came to be in.
    pub(crate) fn assigns_region(self) -> bool {
        self == Self::Project
    }
}

impl FromStr for Placement {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "placement", text)
    }
}

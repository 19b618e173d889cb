//! Whether an operator's migrations continue the embedded ones.

use std::str::FromStr;

use super::words::{UnknownWord, find_word, word_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MigrationsBase {
    /// The embedded migrations come first, the folder's after them.
    Embedded,
    /// The folder's are all there are.
    None,
}

impl MigrationsBase {
    const WORDS: [(Self, &'static str); 2] = [(Self::Embedded, "embedded"), (Self::None, "none")];

    /// Returns the word in settings and in JSON.
    pub(crate) fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl FromStr for MigrationsBase {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "base of migrations", text)
    }
}

//! Enums and the words they have in the database, in settings and in JSON.

use super::text::{escape_controls, shorten};

/// A word that none of an enum's members has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {what}; it is one of {expected}")]
pub struct UnknownWord {
    what: &'static str,
    found: String,
    expected: String,
}

pub(super) fn word_of<T: Copy + PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(member, _)| *member == value).map_or("", |(_, word)| word)
}

pub(super) fn find_word<T: Copy>(
    words: &[(T, &'static str)],
    what: &'static str,
    text: &str,
) -> Result<T, UnknownWord> {
    words.iter().find(|(_, word)| *word == text).map(|(member, _)| *member).ok_or_else(|| {
        let expected = words.iter().map(|(_, word)| format!("`{word}`")).collect::<Vec<_>>();
        UnknownWord {
            what,
            found: shorten(&escape_controls(text), 40),
            expected: expected.join(", "),
        }
    })
}

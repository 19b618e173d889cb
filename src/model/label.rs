//! Labels, which group tenants.

use std::fmt;
use std::str::FromStr;

use super::text::escape_controls;

/// A key and a value, as in `tier=gold`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`.
    pub key: String,
    /// Up to 200 characters without control characters.
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label is KEY=VALUE: the key 1 to 63 of a-z, 0-9, `-`, `_`, `.`, the value up to 200 \
     characters without control characters"
)]
pub struct LabelError;

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or(LabelError)?;
        let key_fits = (1..=63).contains(&key.len())
            && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !key_fits || value.chars().count() > 200 || escape_controls(value) != value {
            return Err(LabelError);
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

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

/// A label put on a tenant, or taken off it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelChange {
    /// `tier=gold`; it replaces what the key was.
    Set(Label),
    /// `tier-`: the key that goes.
    Remove(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelChangeError {
    #[error(transparent)]
    Label(#[from] LabelError),
    #[error("to take a label off, write its key and a `-`, as in `tier-`")]
    NoKey,
}

fn is_key(key: &str) -> bool {
    (1..=63).contains(&key.len())
        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or(LabelError)?;
        if !is_key(key) || value.chars().count() > 200 || escape_controls(value) != value {
            return Err(LabelError);
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl FromStr for LabelChange {
    type Err = LabelChangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('=') {
            return Ok(Self::Set(text.parse()?));
        }
        let key = text.strip_suffix('-').filter(|key| is_key(key));
        key.map(|key| Self::Remove(key.to_owned())).ok_or(LabelChangeError::NoKey)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_set_or_taken_off() {
        let set = |text: &str| LabelChange::Set(text.parse().unwrap());
        assert_eq!("tier=gold".parse(), Ok(set("tier=gold")));
        assert_eq!("tier=".parse(), Ok(set("tier=")));
        assert_eq!("tier=a-".parse(), Ok(set("tier=a-")));
        assert_eq!("tier-".parse(), Ok(LabelChange::Remove("tier".to_owned())));
        assert_eq!("a-b-".parse(), Ok(LabelChange::Remove("a-b".to_owned())));
        for bad in ["", "-", "tier", "Tier-", "Tier=gold", "=x", "a b-"] {
            assert!(bad.parse::<LabelChange>().is_err(), "{bad}");
        }
    }
}

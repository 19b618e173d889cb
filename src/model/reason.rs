//! The reason that the audit trail records.

use std::str::FromStr;

use super::text::escape_controls;

/// The reason given for an act: 1 to 500 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 500 characters on one line")]
pub struct ReasonError;

impl Reason {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reason = text.trim();
        let fits = !reason.is_empty()
            && reason.chars().count() <= 500
            && escape_controls(reason) == reason;
        if fits { Ok(Self(reason.to_owned())) } else { Err(ReasonError) }
    }
}

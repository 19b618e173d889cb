//! The actor of a command, as the audit trail records it.

use std::fmt;

use super::text::{escape_controls, shorten};

/// The person or program on whose behalf a command runs: 1 to 200 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the actor `{0}` is empty, longer than 200 bytes, or holds control characters")]
pub struct ActorError(String);

impl Actor {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        if name.is_empty() || name.len() > 200 || escape_controls(name) != name {
            return Err(ActorError(shorten(&escape_controls(name), 60)));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

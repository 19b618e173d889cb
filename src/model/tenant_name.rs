//! A tenant's name for people.

use std::str::FromStr;

use super::text::escape_controls;

/// 1 to 200 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 200 characters (400 bytes) and no control characters")]
pub struct TenantNameError;

impl TenantName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        let fits = (1..=400).contains(&name.len())
            && name.chars().count() <= 200
            && escape_controls(name) == name;
        if fits { Ok(Self(name.to_owned())) } else { Err(TenantNameError) }
    }
}

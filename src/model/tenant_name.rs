//! A tenant's name for people.

use std::str::FromStr;

use super::text::first_unsafe;

/// 1 to 200 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantNameError {
    #[error("a tenant's name has 1 to 200 characters (400 bytes)")]
    Length,
    #[error(
        "U+{:04X} at position {at} cannot stand there: control characters, marks that change the \
         reading order, and joiners that join nothing are not accepted",
        u32::from(*.character)
    )]
    Character {
        character: char,
        /// Counted from 1.
        at: usize,
    },
}

impl TenantName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        if !(1..=400).contains(&name.len()) || name.chars().count() > 200 {
            return Err(TenantNameError::Length);
        }
        match first_unsafe(name) {
            Some((at, character)) => Err(TenantNameError::Character { character, at }),
            None => Ok(Self(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_refused_says_which_character_and_where() {
        assert!("شرکت نمونه\u{200c}سازی".parse::<TenantName>().is_ok());
        let error = "Ac\u{1b}me".parse::<TenantName>().unwrap_err();
        assert!(
            error.to_string().starts_with("U+001B at position 3 cannot stand there"),
            "{error}"
        );
        for length in ["", "   ", &"x".repeat(201)] {
            assert_eq!(length.parse::<TenantName>(), Err(TenantNameError::Length));
        }
    }
}

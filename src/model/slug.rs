//! The slug: a tenant's name on the command line.

use std::fmt;
use std::str::FromStr;

use super::text::escape_controls;

/// 2 to 40 of `a-z`, `0-9` and `-`, starting with a letter, not ending with `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    #[error("a slug has 2 to 40 characters, this one has {0} bytes")]
    Length(usize),
    #[error(
        "`{character}` at position {position} does not belong in a slug; it starts with a-z, goes \
         on with a-z, 0-9 and `-`, and does not end with `-`"
    )]
    Character {
        /// The character, escaped for display.
        character: String,
        /// Where it stands, counted from 1.
        position: usize,
    },
    /// A word that means something else to Postgres, Supabase or a shell.
    #[error("`{0}` is a reserved name")]
    Reserved(String),
    /// It would be taken for a tenant's id.
    #[error("a slug does not have the form of a UUID")]
    Uuid,
}

/// Names that would be mistaken for something else: databases and roles of Postgres and its
/// hosts, words of our own command line, and device names of other systems.
const RESERVED: &[&str] = &[
    "admin",
    "all",
    "anon",
    "any",
    "api",
    "auth",
    "authenticated",
    "authenticator",
    "aux",
    "con",
    "control-plane",
    "default",
    "false",
    "help",
    "local",
    "localhost",
    "none",
    "nul",
    "null",
    "postgres",
    "prn",
    "public",
    "rdsadmin",
    "realtime",
    "root",
    "self",
    "service-role",
    "storage",
    "supabase",
    "system",
    "template0",
    "template1",
    "tenantctl",
    "test-template",
    "true",
    "undefined",
];

impl Slug {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The length comes first, so that a megabyte of input is refused without being read.
        if !(2..=40).contains(&text.len()) {
            return Err(SlugError::Length(text.len()));
        }
        let last = text.chars().count();
        for (index, character) in text.chars().enumerate() {
            let position = index + 1;
            let fits = match character {
                'a'..='z' => true,
                '0'..='9' => position > 1,
                '-' => position > 1 && position < last,
                _ => false,
            };
            if !fits {
                let character = match escape_controls(&character.to_string()) {
                    shown if shown.is_ascii() => shown,
                    _ => character.escape_unicode().to_string(),
                };
                return Err(SlugError::Character { character, position });
            }
        }
        if RESERVED.contains(&text) || text.starts_with("supabase-") || text.starts_with("pg-") {
            return Err(SlugError::Reserved(text.to_owned()));
        }
        if text.parse::<uuid::Uuid>().is_ok() {
            return Err(SlugError::Uuid);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_outside_the_grammar_are_refused() {
        for bad in [
            "",
            "a",
            "-a",
            "a-",
            "1a",
            "Acme",
            "ac me",
            "ac_me",
            "acme;",
            "a'b",
            "ac\u{301}me",
            "аcme",
            "acme\n",
            "a\0b",
            "..",
            "a/b",
            "--help",
        ] {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?} was accepted");
        }
        assert!("a".repeat(41).parse::<Slug>().is_err());
        assert!("a".repeat(40).parse::<Slug>().is_ok());
        for reserved in RESERVED {
            assert!(reserved.parse::<Slug>().is_err(), "{reserved} was accepted");
        }
    }

    #[test]
    fn a_bad_character_is_named_with_its_place_and_never_raw() {
        let error = "ab\u{1b}c".parse::<Slug>().unwrap_err().to_string();
        assert!(error.starts_with("`\\u{1b}` at position 3"), "{error}");
        let error = "аcme".parse::<Slug>().unwrap_err().to_string();
        assert!(error.starts_with("`\\u{430}` at position 1"), "{error}");
    }

    proptest! {
        #[test]
        fn accepted_slugs_print_as_they_were_typed(text in "\\PC{0,44}") {
            if let Ok(slug) = text.parse::<Slug>() {
                prop_assert_eq!(slug.as_str(), &text);
                prop_assert!(text.is_ascii());
            }
        }
    }
}

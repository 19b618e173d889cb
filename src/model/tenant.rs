//! A tenant: its names, its states, and where it lives.
//!
//! Names are parsed once, at the door; from there on a `Slug` is a slug. This file knows neither
//! where tenants are stored nor how one is made.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{ProjectRef, SchemaState, escape_controls, shorten};

/// The id that rows and tokens carry; chosen by us or by the operator, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantId(pub Uuid);

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TenantId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What people type: 2 to 40 of `a-z`, `0-9` and `-`, starting with a letter, not ending with `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Shorter or longer than a slug may be.
    #[error("a slug has 2 to 40 characters, this one has {0} bytes")]
    Length(usize),
    /// A character that is not allowed, or not allowed there.
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
    /// Returns the text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The bound comes first, so that a megabyte of input is refused without being read.
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
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name people read, 1 to 200 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

/// Why a text is no tenant name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 200 characters (400 bytes) and no control characters")]
pub struct TenantNameError;

impl TenantName {
    /// Returns the text itself.
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

/// A key and a value that tenants are grouped by, as in `tier=gold`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`.
    pub key: String,
    /// Up to 200 characters without control characters.
    pub value: String,
}

/// Why a text is no label.
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

/// Why something was done, for the audit trail: 1 to 500 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 500 characters on one line")]
pub struct ReasonError;

impl Reason {
    /// Returns the text itself.
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

/// The name of a tenant's database, and of the role the application logs in with there.
///
/// A database we made and its login have one name; in a Supabase project the database is
/// `postgres`, and one that was adopted keeps its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseName {
    database: String,
    login: String,
}

impl DatabaseName {
    /// Returns the name a tenant's database has: `tenant_<slug with _>_<8 hex of the id>`.
    ///
    /// At most 7 + 40 + 1 + 8 = 56 bytes, so Postgres never cuts it.
    pub fn of(slug: &Slug, id: TenantId) -> Self {
        let hex = id.0.simple().to_string();
        let name = format!("tenant_{}_{}", slug.as_str().replace('-', "_"), &hex[..8]);
        Self { database: name.clone(), login: name }
    }

    /// Takes a tenant's database from a record; nothing when it cannot be one: empty, cut by
    /// Postgres, or with control characters.
    pub fn recorded(database: &str, slug: &Slug, id: TenantId) -> Option<Self> {
        let fits = (1..=63).contains(&database.len()) && escape_controls(database) == database;
        let Self { login, .. } = Self::of(slug, id);
        fits.then(|| Self { database: database.to_owned(), login })
    }

    /// Returns the database of a tenant that has a Supabase project of its own.
    pub fn in_project(slug: &Slug, id: TenantId) -> Self {
        Self { database: "postgres".to_owned(), ..Self::of(slug, id) }
    }

    /// Returns the database's name.
    pub fn as_str(&self) -> &str {
        &self.database
    }

    /// Returns the name of the role the application logs in with.
    pub fn login(&self) -> &str {
        &self.login
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.database)
    }
}

/// Where a tenant's database lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// A Supabase project of its own.
    Project,
    /// A database of its own inside one shared cluster.
    Database,
}

impl Placement {
    const WORDS: [(Self, &'static str); 2] =
        [(Self::Project, "project"), (Self::Database, "database")];

    /// Returns the word the database, the settings and JSON use.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl FromStr for Placement {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "placement", text)
    }
}

/// Where a tenant stands in its life: `provisioning → active ⇄ locked`, any of them `→ deleted →
/// purging → purged`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// Being created; not for use yet.
    Provisioning,
    /// In use.
    Active,
    /// Locked down: access refused, everything kept.
    Locked,
    /// Access cut, everything still there; `tenant restore` brings it back.
    Deleted,
    /// Past the point of no return, the database is being dropped.
    Purging,
    /// Gone, proved so; the row stays as a tombstone.
    Purged,
}

impl TenantStatus {
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Provisioning, "provisioning"),
        (Self::Active, "active"),
        (Self::Locked, "locked"),
        (Self::Deleted, "deleted"),
        (Self::Purging, "purging"),
        (Self::Purged, "purged"),
    ];

    /// Returns the word the database and JSON use.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

    /// Returns every word a status can be asked for by.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|(_, word)| *word)
    }
}

impl FromStr for TenantStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "status", text)
    }
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that names none of a list's members.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}; it is one of {expected}")]
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

/// Why nobody may touch a tenant until a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Since when.
    pub at: OffsetDateTime,
    /// What contradicts the record.
    pub reason: String,
}

/// A tenant as the control plane records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The id that rows and tokens carry.
    pub id: TenantId,
    /// What people type.
    pub slug: Slug,
    /// What people read.
    pub name: String,
    /// The plan it is on, if any.
    pub plan: Option<String>,
    /// Keys and values it is grouped by.
    pub labels: BTreeMap<String, String>,
    /// Where it stands in its life.
    pub status: TenantStatus,
    /// Set while the evidence contradicts the record.
    pub quarantine: Option<Quarantine>,
    /// Where its database lives.
    pub placement: Placement,
    /// The Supabase project, for placement `project`.
    pub project_ref: Option<ProjectRef>,
    /// The database, once it was chosen.
    pub database: Option<DatabaseName>,
    /// The database's oid, once it was seen.
    pub database_oid: Option<u32>,
    /// The cluster's own identifier, once it was seen.
    pub system_identifier: Option<String>,
    /// The host applications connect to, once registered.
    pub host: Option<String>,
    /// The port applications connect to, once registered.
    pub port: Option<u16>,
    /// Whether a pooler answers there, which wants the project's ref behind the login's name.
    pub is_pooled: bool,
    /// The region, for placement `project`.
    pub region: Option<String>,
    /// The schema as recorded after the last migration.
    pub schema: Option<SchemaState>,
    /// Raised to revoke every session below it.
    pub session_epoch: i64,
    /// Since when it is locked down.
    pub locked_at: Option<OffsetDateTime>,
    /// Why it is locked down.
    pub lock_reason: Option<String>,
    /// Whether deleting is refused.
    pub is_protected: bool,
    /// What `tenant restore` brings it back to.
    pub status_before_delete: Option<TenantStatus>,
    /// When a deleted tenant may be purged.
    pub purge_after: Option<OffsetDateTime>,
    /// The application's password, sealed; never shown.
    pub credential: Option<Vec<u8>>,
    /// When it was reserved.
    pub created_at: OffsetDateTime,
    /// When its row last changed.
    pub updated_at: OffsetDateTime,
    /// When it was deleted.
    pub deleted_at: Option<OffsetDateTime>,
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

    #[test]
    fn the_longest_database_name_fits_postgres() {
        let slug: Slug = "a".repeat(40).parse().unwrap();
        let name = DatabaseName::of(&slug, TenantId(Uuid::max()));
        assert_eq!(name.as_str().len(), 56);
    }

    proptest! {
        #[test]
        fn accepted_slugs_print_as_they_were_typed(text in "\\PC{0,44}") {
            if let Ok(slug) = text.parse::<Slug>() {
                prop_assert_eq!(slug.as_str(), &text);
                prop_assert!(text.is_ascii());
                let name = DatabaseName::of(&slug, TenantId(Uuid::nil()));
                let id = TenantId(Uuid::nil());
                prop_assert_eq!(DatabaseName::recorded(name.as_str(), &slug, id), Some(name));
            }
        }

        #[test]
        fn database_names_of_different_ids_differ(a in any::<u128>(), b in any::<u128>()) {
            let slug: Slug = "acme".parse().unwrap();
            let (a, b) = (Uuid::from_u128(a), Uuid::from_u128(b));
            prop_assume!(a.as_bytes()[..4] != b.as_bytes()[..4]);
            prop_assert_ne!(
                DatabaseName::of(&slug, TenantId(a)),
                DatabaseName::of(&slug, TenantId(b))
            );
        }
    }
}

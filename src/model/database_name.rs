//! The names of a tenant's database and of its login.

use std::fmt;

use super::ids::TenantId;
use super::slug::Slug;
use super::text::escape_controls;

/// The name of a tenant's database, and of the role the application logs in with there.
///
/// A database that we created and its login have one name. A Supabase project's database is
/// [`DatabaseName::SUPABASE`], and an adopted database keeps its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseName {
    database: String,
    login: String,
}

impl DatabaseName {
    /// The database of every Supabase project: the Management API has no parameter to choose another,
    /// and Auth, REST and Storage work on this one only (supabase/supabase#701,
    /// supabase/supabase-js#519, read 2026-11).
    pub(crate) const SUPABASE: &str = "postgres";

    /// Returns the name of a tenant's database: `tenant_<slug with _>_<8 hex of the id>`.
    ///
    /// At most 7 + 40 + 1 + 8 = 56 bytes: Postgres truncates names at 63 (`NAMEDATALEN - 1`).
    pub(crate) fn of(slug: &Slug, id: TenantId) -> Self {
        let hex = id.0.simple().to_string();
        let name = format!("tenant_{}_{}", slug.as_str().replace('-', "_"), &hex[..8]);
        Self { database: name.clone(), login: name }
    }

    /// Reads a database's name from the control plane; `None` when no database can have it: empty,
    /// longer than 63 bytes, or with control characters.
    pub(crate) fn recorded(database: &str, slug: &Slug, id: TenantId) -> Option<Self> {
        let fits = (1..=63).contains(&database.len()) && escape_controls(database) == database;
        let Self { login, .. } = Self::of(slug, id);
        fits.then(|| Self { database: database.to_owned(), login })
    }

    /// Returns the database of a tenant with placement `project`.
    pub(crate) fn in_project(slug: &Slug, id: TenantId) -> Self {
        Self { database: Self::SUPABASE.to_owned(), ..Self::of(slug, id) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.database
    }

    /// Returns the role that the application logs in with.
    pub(crate) fn login(&self) -> &str {
        &self.login
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.database)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_longest_database_name_fits_postgres() {
        let slug: Slug = "a".repeat(40).parse().unwrap();
        let name = DatabaseName::of(&slug, TenantId(Uuid::max()));
        assert_eq!(name.as_str().len(), 56);
    }

    proptest! {
        #[test]
        fn a_name_is_read_back_from_its_record(text in "[a-z][a-z0-9-]{0,38}[a-z0-9]") {
            if let Ok(slug) = text.parse::<Slug>() {
                let id = TenantId(Uuid::nil());
                let name = DatabaseName::of(&slug, id);
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

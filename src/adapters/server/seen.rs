//! What was seen of a tenant's database when it was entered, kept with the session as long as it holds.

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::exposure::Exposure;
use crate::adapters::postgres::History;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By the name of the table.
    pub(super) histories: BTreeMap<&'static str, History>,
    /// Whether the session holds the lock of its migrations: then nobody else changes its histories.
    pub(super) is_locked: bool,
    /// The advisory locks of the session, as a list for `IN`, where it holds that of its migrations.
    pub(super) locks: Option<String>,
    pub(super) exposure: Option<Exposure>,
    /// With the digest that was expected.
    pub(super) catalog: Option<(Option<String>, Catalog)>,
}

impl Seen {
    /// Returns the catalog, where it is what would be asked for.
    pub(super) fn catalog_for(&mut self, expected: Option<&str>) -> Option<Catalog> {
        let (asked, catalog) = self.catalog.take()?;
        // Without its objects it serves who expects the same digest only.
        let is_full = asked.as_ref() != Some(&catalog.digest);
        (is_full || expected == Some(&catalog.digest)).then_some(catalog)
    }
}

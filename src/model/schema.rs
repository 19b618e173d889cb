//! A tenant's schema version.

use std::fmt;

use super::text::escape_controls;

/// The number of a migration, as in `V7__employees.sql` or `20240101120000_employees.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchemaVersion(pub i64);

impl SchemaVersion {
    /// Stands for what has no number: the functions, which are installed again when they change.
    pub(crate) const UNNUMBERED: Self = Self(-1);
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}", self.0)
    }
}

/// Where a file of SQL comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// It is a part of tenantctl.
    Embedded,
    /// It stands in a folder of the operator's.
    Folder,
}

/// The version of a tenant's schema and the fingerprint of everything applied up to it.
///
/// Two databases with the same fingerprint went through the same files, checksums included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemaState {
    /// The newest applied migration, if any.
    pub version: Option<SchemaVersion>,
    /// Sixteen hex digits over version, name and checksum of every applied migration.
    pub fingerprint: String,
}

/// One migration, of a file or of a row in refinery's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MigrationRecord {
    pub version: SchemaVersion,
    /// As in `employees`.
    pub name: String,
    /// Over number, name and text.
    pub checksum: u64,
}

impl fmt::Display for MigrationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape_controls(&self.name);
        if self.version == SchemaVersion::UNNUMBERED {
            return f.write_str(&name);
        }
        write!(f, "{}__{name}", self.version)
    }
}

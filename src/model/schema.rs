//! Where a tenant's schema stands.

use std::fmt;

use super::text::escape_controls;

/// The number of a migration, as in `V7__employees.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaVersion(pub i32);

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}", self.0)
    }
}

/// The version a tenant stands at and the fingerprint of everything applied up to it.
///
/// Two databases with the same fingerprint went through the same files, checksums included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// The newest applied migration; nothing when none was applied.
    pub version: Option<SchemaVersion>,
    /// Sixteen hex digits over version, name and checksum of every applied migration.
    pub fingerprint: String,
}

/// One migration as a file has it or a history row records it: the same three things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationRecord {
    /// Its number.
    pub version: SchemaVersion,
    /// Its name, as in `employees`.
    pub name: String,
    /// The checksum of number, name and text.
    pub checksum: u64,
}

impl fmt::Display for MigrationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}__{}", self.version, escape_controls(&self.name))
    }
}

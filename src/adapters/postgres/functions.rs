//! The functions of a schema: each stands once, and all are installed again when a text changed.
//!
//! Refinery applies a file once and refuses it when it changed, so these are no migrations of its.
//! They come after the migrations of their set, in one transaction with the row that says which text
//! is installed: a process that is killed leaves the old functions and the old row.

use aws_lc_rs::digest;

use super::position::line_and_column;
use super::quote::literal;
use crate::model::{MigrationRecord, SchemaVersion};

type Files = &'static [(&'static str, &'static str)];

/// Every folder below `migrations/functions`.
const FOLDERS: &[(&str, Files)] = include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// What the texts begin with: names mean what they mean in every session.
const PREAMBLE: &str = "SET LOCAL search_path = pg_catalog;\n";

/// The functions of one schema, and the table that says which text of them is installed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Functions {
    /// That table, qualified.
    pub table: &'static str,
    files: Files,
}

/// What a database says of its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstalledFunctions {
    /// The checksum of their text.
    pub checksum: u64,
    /// The version of the tenantctl that installed them.
    pub by: String,
}

impl InstalledFunctions {
    /// Returns whether a later tenantctl than this one installed them.
    pub(crate) fn is_newer(&self) -> bool {
        let numbers = |version: &str| {
            let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0_u64));
            [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default)
        };
        numbers(&self.by) > numbers(Functions::VERSION)
    }
}

impl Functions {
    /// The version of this tenantctl.
    pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// Returns the functions of a folder below `migrations/functions`.
    pub(crate) fn of(folder: &str, table: &'static str) -> Self {
        let found = FOLDERS.iter().find(|(name, _)| *name == folder);
        Self { table, files: found.map_or(&[], |(_, files)| files) }
    }

    /// Returns what stands for them in a list of migrations: no number, and the checksum of every
    /// name and text.
    pub(crate) fn record(&self) -> MigrationRecord {
        let mut context = digest::Context::new(&digest::SHA256);
        for (name, text) in self.files {
            context.update(format!("{name}\n{}\n{text}", text.len()).as_bytes());
        }
        let mut first = [0_u8; 8];
        first.copy_from_slice(&context.finish().as_ref()[..8]);
        MigrationRecord {
            version: SchemaVersion::UNNUMBERED,
            name: "functions".to_owned(),
            checksum: u64::from_be_bytes(first),
        }
    }

    /// Returns the statements that install them and record which they are.
    pub(super) fn text(&self) -> String {
        let texts: String = self.files.iter().map(|(_, text)| *text).collect();
        format!(
            "{PREAMBLE}{texts}INSERT INTO {} (checksum, installed_by) VALUES ({}, {}) \
             ON CONFLICT (only_row) DO UPDATE SET checksum = excluded.checksum, \
             installed_by = excluded.installed_by, installed_at = clock_timestamp()",
            self.table,
            literal(&self.record().checksum.to_string()),
            literal(Self::VERSION),
        )
    }

    /// Returns the file that a position in the whole text, counted in characters from 1, is in, and
    /// the line and column there.
    pub(super) fn place(&self, position: usize) -> Option<(&'static str, usize, usize)> {
        let mut begin = PREAMBLE.chars().count();
        self.files.iter().find_map(|(name, text)| {
            let length = text.chars().count();
            let inside = position.checked_sub(begin).filter(|at| (1..=length).contains(at));
            begin += length;
            let (line, column) = line_and_column(text, inside?);
            Some((*name, line, column))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_found_in_its_file() {
        const FILES: Files = &[("a.sql", "ä;\n"), ("b.sql", "\nselect x;\n")];
        let functions = Functions { table: "t", files: FILES };
        let begin = PREAMBLE.chars().count();
        assert_eq!(functions.place(begin), None);
        assert_eq!(functions.place(begin + 1), Some(("a.sql", 1, 1)));
        assert_eq!(functions.place(begin + 4), Some(("b.sql", 1, 1)));
        assert_eq!(functions.place(begin + 12), Some(("b.sql", 2, 8)));
        assert_eq!(functions.place(begin + 99), None);
    }

    #[test]
    fn a_later_tenantctl_is_newer_and_the_same_is_not() {
        let newer = |by: &str| InstalledFunctions { checksum: 0, by: by.to_owned() }.is_newer();
        assert!(newer("999.0.0") && newer("0.999.1"));
        assert!(!newer(Functions::VERSION) && !newer("0.0.9") && !newer("garbage"));
    }

    #[test]
    fn the_checksum_changes_with_any_text_and_name() {
        let checksum = |files| Functions { table: "t", files }.record().checksum;
        let one: Files = &[("a", "xy"), ("b", "")];
        for other in
            [&[("a", "x"), ("b", "y")], &[("a", "xy"), ("c", "")], &[("ab", "xy"), ("", "")]]
        {
            assert_ne!(checksum(one), checksum(other));
        }
    }
}

//! `migrate export` and `migrate new`: files for an operator's own folder. No database is asked.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::base::{self, is_dated};
use super::error::MigrationError;
use super::sets::{OwnMigrations, last_of, misnumbered, numbers_of};
use super::template;
use crate::adapters::postgres::MigrationFile;
use crate::adapters::server::{FileStanding, add_file, domain_set, files_in, look_at_file};
use crate::model::{MigrationsBase, SchemaVersion, escape_controls};

/// Where the embedded migrations are to be written.
#[derive(Debug)]
pub(crate) struct ExportRequest {
    pub folder: PathBuf,
    pub is_dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportReport {
    pub folder: PathBuf,
    /// Each file's name, and whether it was missing.
    pub files: Vec<(String, bool)>,
    /// The number that a migration after them gets.
    pub next: SchemaVersion,
    pub is_dry_run: bool,
}

/// A migration to be begun.
#[derive(Debug)]
pub(crate) struct NewRequest {
    /// What it does: lower-case letters, digits and underscores.
    pub title: String,
    pub own: OwnMigrations,
    /// By which a history of dates goes on.
    pub now: OffsetDateTime,
    pub is_dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewReport {
    pub path: PathBuf,
    pub file: String,
    pub version: SchemaVersion,
    /// Whether the folder continues the embedded migrations.
    pub base: MigrationsBase,
    pub is_dry_run: bool,
}

/// Writes the embedded migrations of the product into a folder, those that are missing there.
///
/// # Errors
/// When a file of the same name differs, before any is written; when the folder cannot be written to.
pub(crate) fn export(request: &ExportRequest) -> Result<ExportReport, MigrationError> {
    let (set, folder) = (domain_set(), &request.folder);
    let texts = set.texts();
    let mut files = Vec::with_capacity(texts.len());
    for (name, text) in &texts {
        match look_at_file(folder, name, text).map_err(|error| unwritable(folder, &error))? {
            FileStanding::Different => {
                let file = (*name).to_owned();
                return Err(MigrationError::FileDiffers { folder: shown(folder), file });
            }
            standing => files.push(((*name).to_owned(), standing == FileStanding::New)),
        }
    }
    if !request.is_dry_run {
        for ((name, text), _) in texts.iter().zip(&files).filter(|(_, (_, is_new))| *is_new) {
            add_file(folder, name, text).map_err(|error| unwritable(folder, &error))?;
        }
    }
    let next = SchemaVersion(last_of(&set).0 + 1);
    Ok(ExportReport { folder: folder.clone(), files, next, is_dry_run: request.is_dry_run })
}

/// Begins a migration: a file with the next number and what a table needs here.
///
/// # Errors
/// When the folder's files cannot be numbered on, or it cannot be written to.
pub(crate) fn begin(request: &NewRequest) -> Result<NewReport, MigrationError> {
    let OwnMigrations { folder, base } = &request.own;
    let files = if folder.exists() { files_in(folder)? } else { Vec::new() };
    let embedded = last_of(&domain_set());
    let base = match (files.is_empty(), base) {
        (true, asked) => asked.unwrap_or(MigrationsBase::Embedded),
        (false, asked) => base::decide(embedded, &numbers_of(&files), *asked)
            .map_err(|(what, remedy)| misnumbered(folder, what, remedy))?,
    };
    let before = match base {
        MigrationsBase::Embedded => embedded,
        MigrationsBase::None => SchemaVersion(0),
    };
    let Next { file, version } = next(files.last(), before, &request.title, request.now);
    let is_first = base == MigrationsBase::None && files.is_empty();
    let text = template::text(&request.title, base, is_first);
    if !request.is_dry_run {
        add_file(folder, &file, &text).map_err(|error| unwritable(folder, &error))?;
    }
    let path = folder.join(&file);
    Ok(NewReport { path, file, version, base, is_dry_run: request.is_dry_run })
}

/// A file that comes next.
#[derive(Debug, PartialEq, Eq)]
struct Next {
    file: String,
    version: SchemaVersion,
}

/// Names the file after the last one, in its style; where there is none, after the version before.
fn next(
    last: Option<&MigrationFile>,
    before: SchemaVersion,
    title: &str,
    now: OffsetDateTime,
) -> Next {
    let newest = last.map_or(before, |file| SchemaVersion(file.migration.version()));
    let name = last.map_or("V", |file| file.name.as_str());
    let is_lettered = name.starts_with(['V', 'v']);
    let digits = name.trim_start_matches(['V', 'v']).chars().take_while(char::is_ascii_digit);
    let (digits, separator) = (digits.count(), if is_lettered { "__" } else { "_" });
    let letter = if is_lettered { "V" } else { "" };
    let version = if is_dated(newest) {
        // Two files begun in one second are one after the other all the same.
        let day = i64::from(now.year()) * 10_000 + i64::from(u8::from(now.month())) * 100;
        let (hour, minute, second) = now.to_hms();
        let time = [hour, minute, second].iter().fold(0, |all, part| all * 100 + i64::from(*part));
        let day = day + i64::from(now.day());
        let dated = if newest.0 < 100_000_000 { day } else { day * 1_000_000 + time };
        dated.max(newest.0 + 1)
    } else {
        newest.0 + 1
    };
    let file = format!("{letter}{version:0>digits$}{separator}{title}.sql");
    Next { file, version: SchemaVersion(version) }
}

fn shown(folder: &Path) -> String {
    escape_controls(&folder.display().to_string())
}

fn unwritable(folder: &Path, error: &std::io::Error) -> MigrationError {
    MigrationError::Unwritable { folder: shown(folder), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 04:05:06 UTC);

    #[test]
    fn the_next_file_is_named_like_the_last() {
        let after = |name: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), "select 1;").unwrap();
            let files = files_in(folder.path()).unwrap();
            next(files.last(), SchemaVersion(7), "more", NOW).file
        };
        for (last, expected) in [
            ("V8__notes.sql", "V9__more.sql"),
            ("V009__notes.sql", "V010__more.sql"),
            ("0001_init.up.sql", "0002_more.sql"),
            ("20240101_init.sql", "20261127_more.sql"),
            ("20240101120000_init.sql", "20261127040506_more.sql"),
            ("V20261127040506__init.sql", "V20261127040507__more.sql"),
        ] {
            assert_eq!(after(last), expected, "{last}");
        }
        assert_eq!(next(None, SchemaVersion(7), "more", NOW).file, "V8__more.sql");
    }
}

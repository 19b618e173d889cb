//! Seed sets: named folders of sample data.

use std::path::Path;

use super::error::MigrationError;
use super::lint::{self, Problem};
use crate::adapters::postgres::decode;
use crate::adapters::server::{SeedFile, Seeds};
use crate::model::{Provenance, escape_controls, hex, sha256};

/// The sets under `seeds/`, embedded by the build script: name, then files by name.
const EMBEDDED: &[(&str, &[(&str, &str)])] = include!(concat!(env!("OUT_DIR"), "/seed_sets.rs"));

/// Begins a line in which a file declares its rows: `-- holds: vendors 30`.
const HOLDS: &str = "-- holds: ";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeedSet {
    /// The folder's name.
    pub name: String,
    /// In the order of application: by name.
    pub files: Vec<SeedFile>,
    /// As the files declare it, in their order.
    pub holds: Vec<Holding>,
    pub provenance: Provenance,
}

impl SeedSet {
    /// Returns the set as a database takes it.
    pub(crate) fn seeds(&self) -> Seeds<'_> {
        Seeds { name: &self.name, files: &self.files, provenance: self.provenance }
    }
}

/// A table and the number of rows that a set brings for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    pub table: String,
    pub rows: u64,
}

/// Returns every seed set: the embedded ones, or those in `folder`, each a folder of its own.
pub(crate) fn seed_sets(folder: Option<&Path>) -> Result<Vec<SeedSet>, MigrationError> {
    let Some(folder) = folder else {
        return Ok(EMBEDDED
            .iter()
            .map(|(name, files)| {
                let files = files.iter().map(|(file, sql)| seed_file(file, (*sql).to_owned()));
                seed_set((*name).to_owned(), files.collect(), Provenance::Embedded)
            })
            .collect());
    };
    let bad = |problem: std::io::Error| MigrationError::SeedFolder {
        folder: folder.display().to_string(),
        problem: problem.to_string(),
    };
    let mut sets = Vec::new();
    let odd = |path: &Path, what: &str| MigrationError::SeedFolder {
        folder: folder.display().to_string(),
        problem: format!("`{}` {what}", file_name(path)),
    };
    for path in sorted(folder).map_err(bad)? {
        if !path.is_dir() {
            if looks_like_sql(&path) {
                return Err(odd(
                    &path,
                    "is in no set: move it into a folder, whose name is the set's",
                ));
            }
            continue;
        }
        let mut files = Vec::new();
        for file in sorted(&path).map_err(bad)? {
            if file.is_dir() || !looks_like_sql(&file) {
                continue;
            }
            if file.extension().is_none_or(|extension| extension != "sql") {
                return Err(odd(
                    &file,
                    "does not end in `.sql`: rename it, or move it out of the set",
                ));
            }
            let sql = decode(&std::fs::read(&file).map_err(bad)?);
            let sql = sql.map_err(|unreadable| unfit(&path, &file, unreadable.into()))?;
            files.push(seed_file(&file_name(&file), sql));
        }
        sets.push(seed_set(file_name(&path), files, Provenance::Folder));
    }
    Ok(sets)
}

/// Returns one set by name, checked to be one transaction.
///
/// # Errors
/// When no set has the name, and the error lists those that exist; when a file of it holds what
/// `lint` refuses.
pub(crate) fn find_set(folder: Option<&Path>, name: &str) -> Result<SeedSet, MigrationError> {
    let sets = seed_sets(folder)?;
    let known: Vec<_> = sets.iter().map(|set| format!("`{}`", set.name)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let set = sets
        .into_iter()
        .find(|set| set.name == name)
        .ok_or_else(|| MigrationError::NoSuchSet { name: escape_controls(name), known })?;
    for file in &set.files {
        if let Some(Problem { line, what, remedy, .. }) = lint::seed_problem(&file.sql) {
            let file = format!("seed file {}/{}", set.name, file.name);
            return Err(MigrationError::Unfit { file, line, what, remedy });
        }
    }
    Ok(set)
}

fn unfit(set: &Path, file: &Path, problem: Problem) -> MigrationError {
    let Problem { line, what, remedy, .. } = problem;
    let file = format!("seed file {}/{}", file_name(set), file_name(file));
    MigrationError::Unfit { file, line, what, remedy }
}

fn seed_set(name: String, files: Vec<SeedFile>, provenance: Provenance) -> SeedSet {
    let holds = files
        .iter()
        .flat_map(|file| file.sql.lines().map_while(|line| line.strip_prefix(HOLDS)))
        .filter_map(|line| {
            let (table, rows) = line.trim().split_once(' ')?;
            Some(Holding { table: escape_controls(table), rows: rows.trim().parse().ok()? })
        })
        .collect();
    SeedSet { name, files, holds, provenance }
}

fn seed_file(name: &str, sql: String) -> SeedFile {
    let checksum = hex(&sha256(sql.as_bytes()));
    SeedFile { name: name.to_owned(), sql, checksum }
}

fn sorted(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Returns whether a file is SQL, or was meant to be; hidden ones are an editor's.
fn looks_like_sql(path: &Path) -> bool {
    let name = file_name(path).to_lowercase();
    name.contains(".sql") && !name.starts_with('.')
}

fn file_name(path: &Path) -> String {
    escape_controls(&path.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_set_says_what_it_holds() {
        let set = find_set(None, "demo").unwrap();
        let rows = |table: &str| set.holds.iter().find(|h| h.table == table).map(|h| h.rows);
        assert!(rows("vendors") >= Some(25), "{:?}", set.holds);
        assert!(rows("products") >= Some(200), "{:?}", set.holds);
        assert!(set.files.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn an_unknown_set_names_the_known_ones() {
        let error = find_set(None, "prod").unwrap_err().to_string();
        assert!(error.contains("`prod`") && error.contains("`demo`"), "{error}");
    }
}

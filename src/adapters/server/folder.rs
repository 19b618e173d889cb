//! A folder of migrations, under the names people give them.
//!
//! Whatever in it looks like a migration is one, or is an error: a file that is left out in silence
//! is missing in every tenant's database.

use std::collections::BTreeSet;
use std::path::Path;

use refinery_core::Migration;

use crate::adapters::postgres::{MigrationFile, decode};
use crate::model::{Provenance, escape_controls};

/// What a name has to look like.
const NAMES: &str = "name it like V1__vendors.sql or 20240101120000_vendors.sql";

/// What a file's name says of it.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Migration {
        version: i64,
        /// Letters, digits and underscores: what refinery keeps of a name.
        name: String,
    },
    /// Takes back what the file of the same name does.
    Down,
    /// It looks like a migration, and this is what is wrong with it.
    Odd(&'static str),
    /// It has nothing to do with migrations.
    Other,
}

/// Reads the migrations of a folder, in the order of their versions.
///
/// # Errors
/// What is wrong, with the file's name, and what to do about it.
pub(super) fn read(folder: &Path) -> Result<Vec<MigrationFile>, (String, Option<String>)> {
    let names = names(folder).map_err(|error| (error.to_string(), None))?;
    let mut files = Vec::new();
    for name in &names {
        let shown = escape_controls(name);
        let odd = |what: &str, remedy: &str| (format!("`{shown}` {what}"), Some(remedy.to_owned()));
        if let Some((_, file)) = name.rsplit_once('/') {
            if matches!(named(file), Named::Migration { .. } | Named::Odd(_)) {
                return Err(odd(
                    "is in a sub-folder",
                    "move it into the folder itself, or out of it",
                ));
            }
            continue;
        }
        let (version, clean) = match named(name) {
            Named::Migration { version, name } => (version, name),
            Named::Down if has_partner(&names, name) => continue,
            Named::Down => return Err(odd("has no migration beside it that it takes back", NAMES)),
            Named::Odd(what) => return Err(odd(what, NAMES)),
            Named::Other => continue,
        };
        let bytes = std::fs::read(folder.join(name));
        let bytes = bytes.map_err(|error| (format!("`{shown}`: {error}"), None))?;
        let text = decode(&bytes).map_err(|unreadable| {
            let what = format!("`{shown}`, line {}: {}", unreadable.line, unreadable.what);
            (what, Some(unreadable.remedy.to_owned()))
        })?;
        let migration = Migration::unapplied(&format!("V{version}__{clean}"), &text);
        let migration = migration.map_err(|_| odd("is not named like a migration", NAMES))?;
        files.push(MigrationFile { migration, name: shown, provenance: Provenance::Folder });
    }
    files.sort_by_key(|file| file.migration.version());
    let mut pairs = files.iter().zip(files.iter().skip(1));
    if let Some((one, two)) = pairs.find(|(a, b)| a.migration.version() == b.migration.version()) {
        let what = format!("`{}` and `{}` have the same version", one.name, two.name);
        return Err((what, Some("give one of them another number".to_owned())));
    }
    match out_of_order(&files) {
        Some(odd) => Err(odd),
        None => Ok(files),
    }
}

/// From here on a number of eight digits is a date, and a longer one may have its time as well.
const DATES: i64 = 19_000_000;

/// Finds a date without its time that its number puts before earlier dates with theirs: the tools that
/// people have it from order the names.
fn out_of_order(files: &[MigrationFile]) -> Option<(String, Option<String>)> {
    let dated = files.iter().filter(|file| file.migration.version() >= DATES);
    let dated: Vec<_> = dated.map(|file| (file.migration.version().to_string(), file)).collect();
    let longest = dated.iter().map(|(digits, _)| digits.len()).max()?;
    dated.iter().enumerate().find_map(|(index, (digits, file))| {
        let (_, before) = dated[index..].iter().find(|(other, _)| other < digits)?;
        let padded = format!("{digits:0<longest$}");
        let what = format!(
            "`{}` has a date of {} digits: by its number it comes before `{}`",
            file.name,
            digits.len(),
            before.name
        );
        Some((what, Some(format!("name it {}", file.name.replacen(digits.as_str(), &padded, 1)))))
    })
}

/// Returns the names of all files in a folder and below, the latter with their folders.
fn names(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Editors and systems keep things of their own under such names.
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), format!("{prefix}{name}/")));
            } else {
                names.insert(format!("{prefix}{name}"));
            }
        }
    }
    Ok(names)
}

fn has_partner(names: &BTreeSet<String>, down: &str) -> bool {
    let stem = down.strip_suffix(".down.sql").unwrap_or(down);
    names.contains(&format!("{stem}.up.sql")) || names.contains(&format!("{stem}.sql"))
}

fn named(file: &str) -> Named {
    let Some(stem) = file.strip_suffix(".sql") else {
        // `.SQL`, `.sql~`, `.sql.txt`, and `V1__x` with any other ending.
        let is_numbered = file.starts_with(['V', 'v']) && numbered(file).is_some();
        return if is_numbered || file.to_lowercase().contains(".sql") {
            Named::Odd("does not end in `.sql`")
        } else {
            Named::Other
        };
    };
    if stem.strip_suffix(".down").is_some() {
        return Named::Down;
    }
    let Some((digits, name)) = numbered(stem.strip_suffix(".up").unwrap_or(stem)) else {
        return Named::Odd("is not named like a migration");
    };
    match digits.parse() {
        Ok(version) => {
            let clean = |c: char| if c.is_alphanumeric() { c } else { '_' };
            Named::Migration { version, name: name.chars().map(clean).collect() }
        }
        Err(_) => Named::Odd("has a number of more than 18 digits"),
    }
}

/// Splits `V1__name` and `20240101120000_name` into number and name.
fn numbered(stem: &str) -> Option<(&str, &str)> {
    let (digits, separator) = match stem.strip_prefix(['V', 'v']) {
        Some(rest) => (rest, "__"),
        None => (stem, "_"),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    let name = digits[end..].strip_prefix(separator)?.trim_start_matches('_');
    (end > 0 && !name.is_empty()).then(|| (&digits[..end], name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_people_have_are_understood() {
        for (file, version, name) in [
            ("V1__init.sql", 1, "init"),
            ("v1__init.sql", 1, "init"),
            ("V001__init.sql", 1, "init"),
            ("V0__zero.sql", 0, "zero"),
            ("V1__init.up.sql", 1, "init"),
            ("0001_init.up.sql", 1, "init"),
            ("1_init.sql", 1, "init"),
            ("20240101120000_init.sql", 20_240_101_120_000, "init"),
            ("V20240101120000__init.sql", 20_240_101_120_000, "init"),
            ("V1__add-users.v2.sql", 1, "add_users_v2"),
            ("V1__it's.sql", 1, "it_s"),
            ("V1__ünï.sql", 1, "ünï"),
        ] {
            let name = name.to_owned();
            assert_eq!(named(file), Named::Migration { version, name }, "{file}");
        }
        for file in ["V1__init.down.sql", "0001_init.down.sql"] {
            assert_eq!(named(file), Named::Down, "{file}");
        }
        for file in [
            "V1_init.sql",
            "V1.2__init.sql",
            "V1_1__x.sql",
            "R__view.sql",
            "U1__undo.sql",
            "|1__x.sql",
            "V1__init.SQL",
            "V1__init.sql~",
            "V3__c.sql.txt",
            "V4__d",
            "seed.sql",
            "V99999999999999999999__x.sql",
        ] {
            assert!(matches!(named(file), Named::Odd(_)), "{file}: {:?}", named(file));
        }
        for file in ["README.md", "mod.rs", "Makefile", "2024_notes.md"] {
            assert_eq!(named(file), Named::Other, "{file}");
        }
    }
}

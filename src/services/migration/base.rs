//! Whether a folder's migrations continue the embedded ones, and which number comes next.
//!
//! Pure functions over numbers; `sets` reads the files.

use crate::model::{MigrationsBase, SchemaVersion};

/// From here on a number is a date, as in `20240101_x.sql` and `20240101120000_x.sql`: such a history
/// is counted by the calendar.
const DATES: i64 = 19_000_000;

/// A file's number and name.
pub(super) type Numbered<'f> = (SchemaVersion, &'f str);

/// Returns whether a number is a date.
pub(super) fn is_dated(SchemaVersion(version): SchemaVersion) -> bool {
    version >= DATES
}

/// Decides whether a folder's files, ascending, continue the embedded migrations, the last of which is
/// `last`; what was asked for counts, else where the files begin.
///
/// # Errors
/// What is wrong with a file's number, and what to do about it.
pub(super) fn decide(
    last: SchemaVersion,
    files: &[Numbered<'_>],
    asked: Option<MigrationsBase>,
) -> Result<MigrationsBase, (String, String)> {
    let (first, _) = *files.first().ok_or_else(|| {
        let remedy = "make its first with: tenantctl migrate new NAME";
        ("it holds no migration".to_owned(), remedy.to_owned())
    })?;
    let is_history_of_its_own = first.0 <= 1 || is_dated(first);
    match asked {
        Some(MigrationsBase::None) => return Ok(MigrationsBase::None),
        None if is_history_of_its_own => return Ok(MigrationsBase::None),
        Some(MigrationsBase::Embedded) | None => {}
    }
    let mut expected = SchemaVersion(last.0 + 1);
    for &(version, name) in files {
        let (title, next) = (title_of(name), expected);
        if version <= last {
            let what =
                format!("`{name}` has the number of an embedded migration: those are V1 to {last}");
            let remedy = format!(
                "name it {next}__{title}, or set TENANTCTL_MIGRATIONS_BASE=none when the folder holds \
                 all that a tenant's database gets"
            );
            return Err((what, remedy));
        }
        if version != expected && !is_dated(version) {
            let what = format!("`{name}` leaves a gap: the next number is {next}");
            let remedy = format!(
                "name it {next}__{title}, put the missing file back, or set \
                 TENANTCTL_MIGRATIONS_BASE=none when the folder holds all that a tenant's database gets"
            );
            return Err((what, remedy));
        }
        expected = SchemaVersion(version.0 + 1);
    }
    Ok(MigrationsBase::Embedded)
}

/// Returns what stands behind a file's number.
fn title_of(name: &str) -> &str {
    let digits =
        name.trim_start_matches(['V', 'v']).trim_start_matches(|c: char| c.is_ascii_digit());
    digits.trim_start_matches('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: SchemaVersion = SchemaVersion(7);

    fn decided(
        names: &[&str],
        asked: Option<MigrationsBase>,
    ) -> Result<MigrationsBase, (String, String)> {
        let number = |name: &str| {
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            SchemaVersion(digits.parse().unwrap())
        };
        let files: Vec<_> = names.iter().map(|name| (number(name), *name)).collect();
        decide(LAST, &files, asked)
    }

    #[test]
    fn where_the_files_begin_decides() {
        for (names, base) in [
            (&["V8__notes.sql", "V9__more.sql"][..], MigrationsBase::Embedded),
            (&["V1__all.sql", "V9__more.sql"], MigrationsBase::None),
            (&["V0__zero.sql"], MigrationsBase::None),
            (&["20240101120000_init.sql"], MigrationsBase::None),
            (&["V8__notes.sql", "20240101120000_init.sql"], MigrationsBase::Embedded),
        ] {
            assert_eq!(decided(names, None), Ok(base), "{names:?}");
        }
        let dated = decided(&["20240101120000_init.sql"], Some(MigrationsBase::Embedded));
        assert_eq!(dated, Ok(MigrationsBase::Embedded));
        assert_eq!(decided(&["V9__x.sql"], Some(MigrationsBase::None)), Ok(MigrationsBase::None));
    }

    #[test]
    fn gaps_and_overlaps_name_the_file_and_the_next_number() {
        for (names, asked, expected, remedy) in [
            (
                &["V9__x.sql"][..],
                None,
                "`V9__x.sql` leaves a gap: the next number is V8",
                "V8__x.sql",
            ),
            (
                &["V8__x.sql", "V10__y.sql"],
                None,
                "`V10__y.sql` leaves a gap: the next number is V9",
                "V9__y.sql",
            ),
            (
                &["V5__x.sql"],
                None,
                "`V5__x.sql` has the number of an embedded migration: those are V1 to V7",
                "V8__x.sql",
            ),
            (
                &["V1__x.sql"],
                Some(MigrationsBase::Embedded),
                "`V1__x.sql` has the number of an embedded migration: those are V1 to V7",
                "TENANTCTL_MIGRATIONS_BASE=none",
            ),
            (&[], Some(MigrationsBase::Embedded), "it holds no migration", "migrate new"),
        ] {
            let (what, told) = decided(names, asked).unwrap_err();
            assert_eq!(what, expected);
            assert!(told.contains(remedy), "{told}");
        }
    }
}

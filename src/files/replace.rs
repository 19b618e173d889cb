//! Replacing a file of mode 0600 in one step: readers see the old content or the new one.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use super::open::{Owner, give};

/// Replaces a file so that the new content survives a power failure, and gives it to `owner`.
///
/// The caller holds a lock: the temporary file is always `<name>.new`, so that a process that was
/// killed leaves one stray file at most, which the next call removes.
pub(crate) fn replace_durably(path: &Path, bytes: &[u8], owner: Owner) -> io::Result<()> {
    let mut name = name_of(path);
    name.push(".new");
    match fs::remove_file(path.with_file_name(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut temporary = tempfile::Builder::new();
    let mut file = in_directory_of(path, temporary.prefix(&name).rand_bytes(0))?;
    file.write_all(bytes)?;
    give(file.as_file(), owner)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename itself is in the directory.
    File::open(directory_of(path))?.sync_all()
}

/// Replaces a file that may be lost, by any number of processes at a time.
///
/// Its content is not synced: after a power failure it may be empty, and readers must notice.
pub(crate) fn replace_cache(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = name_of(path);
    name.push(".");
    let mut temporary = tempfile::Builder::new();
    let mut file = in_directory_of(path, temporary.prefix(&name).suffix(".new"))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn in_directory_of(path: &Path, temporary: &mut tempfile::Builder) -> io::Result<NamedTempFile> {
    temporary.permissions(Permissions::from_mode(0o600)).tempfile_in(directory_of(path))
}

fn name_of(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_os_string()
}

/// The parent of `name` is the empty path, which cannot be opened.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_stays_private_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("local.json");
        fs::write(directory.path().join("local.json.new"), "stray").unwrap();
        replace_durably(&path, b"one", None).unwrap();
        replace_durably(&path, b"two", None).unwrap();
        replace_cache(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_points_to_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, target) = (directory.path().join("cache"), directory.path().join("target"));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &path).unwrap();
        symlink(&target, directory.path().join("cache.new")).unwrap();
        replace_durably(&path, b"ours", None).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_nothing_stands_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cache");
        fs::create_dir(&path).unwrap();
        assert!(replace_durably(&path, b"x", None).is_err());
        assert!(replace_cache(&path, b"x").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

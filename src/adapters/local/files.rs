//! Directories with the right owner, and I/O errors that name a full disk. Private files are
//! written by `crate::files`.
//!
//! As root we may work in directories of another user, so nothing here follows a symbolic link at
//! the last component of a path it writes.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use super::error::LocalError;
use crate::files::{Owner, open_to_append, replace_durably};

/// Returns the owner that root gives a new file at `path`: that of its directory.
///
/// So a data dir that root once worked in stays usable for the user it belongs to.
pub(super) fn owner_beside(path: &Path) -> Owner {
    let found = fs::metadata(path.parent()?).ok()?;
    rustix::process::geteuid().is_root().then(|| (found.uid(), found.gid()))
}

/// Returns a converter from an I/O error on `path` to ours.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LocalError {
    let path = path.to_path_buf();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => disk_full(&path),
        _ => LocalError::Io { action, path, source },
    }
}

/// Returns the error for a full disk under `path`, with what is left there.
pub(super) fn disk_full(path: &Path) -> LocalError {
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    let available_bytes = existing
        .and_then(|existing| rustix::fs::statvfs(existing).ok())
        .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    LocalError::DiskFull { path: path.to_path_buf(), available_bytes }
}

/// Returns whether a program's output, in English, complains about a full disk.
///
/// The system says "No space left on device" for semaphores and shared memory too, and Postgres
/// says nothing but a hint when a page fits in part.
pub(super) fn says_disk_full(output: &str) -> bool {
    let has = |text| output.contains(text);
    let is_memory = has("create semaphores") || has("shared memory segment");
    !is_memory
        && (has("No space left on device")
            || has("Disk quota exceeded")
            || has("Check free disk space"))
}

/// Replaces `path` by a file of mode 0600 with these bytes, in one step that survives a crash.
///
/// The caller holds the lock of the data dir.
pub(super) fn write_private(path: &Path, bytes: &[u8], owner: Owner) -> Result<(), LocalError> {
    replace_durably(path, bytes, owner).map_err(io_error("write", path))
}

/// Opens a file of mode 0600 for writing at its end, made where it is missing, and gives it to
/// `owner`.
///
/// # Errors
/// [`LocalError::OtherOwner`] when we may not write the file or its directory.
pub(super) fn open_own(path: &Path, owner: Owner) -> Result<File, LocalError> {
    open_to_append(path, owner).map_err(not_opened(path))
}

/// Returns a converter from an I/O error at opening `path` to ours.
pub(super) fn not_opened(path: &Path) -> impl FnOnce(io::Error) -> LocalError {
    let path = path.to_path_buf();
    move |error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            LocalError::OtherOwner { path, problem: "belongs to another user".to_owned() }
        }
        _ => io_error("open", &path)(error),
    }
}

/// Makes a rename or removal in the parent of `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), LocalError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(io_error("sync", parent))
}

/// Removes a file, if it exists.
pub(super) fn remove_file(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory and all in it, if it exists.
pub(super) fn remove_dir(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes the missing part of `path`, each directory with `mode` whatever the umask says.
pub(super) fn make_dirs(path: &Path, mode: u32) -> Result<(), LocalError> {
    let missing: Vec<PathBuf> =
        path.ancestors().take_while(|ancestor| !ancestor.exists()).map(Path::to_path_buf).collect();
    for directory in missing.iter().rev() {
        let failed = || io_error("make the directory", directory);
        match fs::create_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            outcome => {
                outcome.map_err(failed())?;
                fs::set_permissions(directory, fs::Permissions::from_mode(mode))
                    .map_err(failed())?;
            }
        }
    }
    Ok(())
}

/// Makes sure that `path` is a directory of mode 0700 that belongs to `uid`.
///
/// # Errors
/// [`LocalError::OtherOwner`] when `path` is something else, or another user's.
pub(super) fn private_dir(path: &Path, uid: u32, owner: Owner) -> Result<(), LocalError> {
    let failed = || io_error("prepare the directory", path);
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some((uid, gid)) = owner {
                lchown(path, Some(uid), Some(gid)).map_err(failed())?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed()(error)),
    }
    let found = fs::symlink_metadata(path).map_err(failed())?;
    if !found.is_dir() || found.uid() != uid {
        let problem = if found.is_dir() {
            format!("belongs to uid {}", found.uid())
        } else {
            "is not a directory".to_owned()
        };
        return Err(LocalError::OtherOwner { path: path.to_path_buf(), problem });
    }
    if found.mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_place_of_a_private_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("run"));
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let uid = fs::metadata(&target).unwrap().uid();
        assert!(matches!(private_dir(&link, uid, None), Err(LocalError::OtherOwner { .. })));
    }

    #[test]
    fn a_full_disk_is_not_confused_with_other_failures() {
        assert!(says_disk_full(
            "PANIC:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device"
        ));
        assert!(says_disk_full(
            "FATAL:  could not extend file: wrote only 4096 of 8192 bytes\nHINT:  Check free disk space."
        ));
        assert!(!says_disk_full("FATAL:  could not create semaphores: No space left on device"));
        assert!(!says_disk_full(
            "FATAL:  could not resize shared memory segment: No space left on device"
        ));
        assert!(!says_disk_full("initdb: error: invalid locale name"));
    }

    #[test]
    fn a_full_disk_is_named_as_such() {
        let error = io_error("write", Path::new("/nowhere/x"))(io::ErrorKind::StorageFull.into());
        assert!(
            matches!(error, LocalError::DiskFull { available_bytes: Some(_), .. }),
            "{error:?}"
        );
    }
}

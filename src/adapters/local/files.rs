//! Small file work that must not be half done: private files replaced in one
//! step, directories with the right owner, errors that name a full disk.
//!
//! As root we may work in directories of another user, so nothing here follows a
//! symbolic link at the last component of a path it writes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown,
};
use std::path::{Path, PathBuf};

use super::error::LocalError;

/// A user and group to give a new file to; `None` leaves it ours.
pub(super) type Owner = Option<(u32, u32)>;

/// Returns whom root gives a new file at `path` to: the owner of its directory.
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

/// Tells whether a program's output, in English, complains about a full disk.
///
/// The system says "No space left on device" for semaphores and shared memory too,
/// and Postgres says nothing but a hint when a page fits in part.
pub(super) fn says_disk_full(output: &str) -> bool {
    let has = |text| output.contains(text);
    let is_memory = has("could not create semaphores") || has("shared memory segment");
    !is_memory
        && (has("No space left on device")
            || has("Disk quota exceeded")
            || has("Check free disk space"))
}

/// Replaces `path` by a file of mode 0600 with these bytes, in one step that survives a crash.
///
/// The caller holds the lock: the temporary name beside the file is fixed, so an
/// interrupted write leaves at most one stray file, and the next one removes it.
pub(super) fn write_private(path: &Path, bytes: &[u8], owner: Owner) -> Result<(), LocalError> {
    let failed = || io_error("could not write", path);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let temporary = path.with_file_name(name);
    remove_file_if_there(&temporary)?;

    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(failed())?;
    let written = file.write_all(bytes).and_then(|()| {
        if let Some((uid, gid)) = owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if let Err(error) = written {
        drop(fs::remove_file(&temporary));
        return Err(failed()(error));
    }
    sync_parent(path)
}

/// Opens a file of mode 0600 for writing at its end, made where it is missing, and gives it to `owner`.
///
/// # Errors
///
/// [`LocalError::OtherOwner`] when the file or its directory is not for us to write.
pub(super) fn open_own(path: &Path, owner: Owner) -> Result<File, LocalError> {
    let no_links = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let opened =
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(no_links).open(path);
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            LocalError::OtherOwner { path: path.to_path_buf(), owner: "another user".to_owned() }
        }
        _ => io_error("could not open", path)(error),
    })?;
    if let Some((uid, gid)) = owner {
        fchown(&file, Some(uid), Some(gid)).map_err(io_error("could not open", path))?;
    }
    Ok(file)
}

/// Makes a rename or removal in the parent of `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), LocalError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(io_error("could not sync", parent))
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove_file_if_there(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("could not remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory and all in it; one that is not there is fine.
pub(super) fn remove_dir_if_there(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("could not remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes the missing part of `path`, each directory with `mode` whatever the umask says.
pub(super) fn make_dirs(path: &Path, mode: u32) -> Result<(), LocalError> {
    let missing: Vec<PathBuf> =
        path.ancestors().take_while(|ancestor| !ancestor.exists()).map(Path::to_path_buf).collect();
    for directory in missing.iter().rev() {
        let failed = || io_error("could not make the directory", directory);
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
///
/// [`LocalError::OtherOwner`] when something else stands there and we may not
/// take it over.
pub(super) fn private_dir(path: &Path, uid: u32, owner: Owner) -> Result<(), LocalError> {
    let failed = || io_error("could not prepare the directory", path);
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
        let owner = if found.is_dir() {
            format!("uid {}", found.uid())
        } else {
            "something that is no directory".to_owned()
        };
        return Err(LocalError::OtherOwner { path: path.to_path_buf(), owner });
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
    fn a_private_file_is_replaced_whole_and_stays_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("local.json");
        fs::write(directory.path().join("local.json.new"), "stray").unwrap();
        write_private(&path, b"one", None).unwrap();
        write_private(&path, b"two", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

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
    fn a_full_disk_is_told_from_its_lookalikes() {
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
        let error =
            io_error("could not write", Path::new("/nowhere/x"))(io::ErrorKind::StorageFull.into());
        assert!(
            matches!(error, LocalError::DiskFull { available_bytes: Some(_), .. }),
            "{error:?}"
        );
    }
}

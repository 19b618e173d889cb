//! Opening a file of ours where another user may have put a link, a FIFO or a file.
//!
//! As root we work in directories that belong to another user, so the last part of a path is never
//! followed when it is a symbolic link.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

/// A user and group that root gives a file to; `None` leaves it ours.
pub(crate) type Owner = Option<(u32, u32)>;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, a FIFO, a device.
    #[error("it is not a regular file")]
    NotRegular,
}

/// Opens a regular file for reading.
///
/// # Errors
/// `NotRegular`, or `Io` with `ELOOP` for a link.
pub(crate) fn open_regular(path: &Path) -> Result<File, OpenError> {
    regular(options(OFlags::NOFOLLOW).read(true).open(path)?)
}

/// Opens a regular file for reading where an operator named it: links are followed, as Kubernetes mounts
/// secrets.
///
/// # Errors
/// `NotRegular` for what is no file in the end.
pub(crate) fn open_named(path: &Path) -> Result<File, OpenError> {
    regular(options(OFlags::empty()).read(true).open(path)?)
}

fn regular(file: File) -> Result<File, OpenError> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(OpenError::NotRegular) }
}

/// Opens a file for writing at its end, made with mode 0600 where it is missing, and gives it to
/// `owner`.
pub(crate) fn open_to_append(path: &Path, owner: Owner) -> io::Result<File> {
    let file = options(OFlags::NOFOLLOW).append(true).create(true).mode(0o600).open(path)?;
    give(&file, owner)?;
    Ok(file)
}

/// Gives an open file to its owner; only root can.
pub(super) fn give(file: &File, owner: Owner) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => fchown(file, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// Without `O_NONBLOCK`, opening a FIFO waits for the process at its other end, for ever if there is
/// none. Regular files ignore it.
fn options(flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((flags | OFlags::NONBLOCK).bits().cast_signed());
    options
}

/// What users other than us and root may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Others {
    /// The file belongs to one of them, who may change its mode at any time.
    pub(crate) own_it: bool,
    /// The mode's bits for group and world.
    bits: u32,
}

impl Others {
    pub(crate) fn can_write(self) -> bool {
        self.own_it || self.bits & 0o022 != 0
    }

    /// Returns whether the mode gives group or world anything at all.
    pub(crate) fn has_permissions(self) -> bool {
        self.bits != 0
    }
}

/// Looks at the open file, not at its path, which could be exchanged meanwhile.
pub(crate) fn others(file: &File) -> io::Result<Others> {
    let metadata = file.metadata()?;
    let us = rustix::process::geteuid().as_raw();
    Ok(Others {
        own_it: metadata.uid() != us && metadata.uid() != 0,
        bits: metadata.permissions().mode() & 0o077,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_fifos_and_directories_are_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "x").unwrap();
        symlink(path("file"), path("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        assert!(open_regular(&path("file")).is_ok());
        assert!(matches!(open_regular(&path("link")), Err(OpenError::Io(_))));
        assert!(open_named(&path("link")).is_ok());
        assert!(matches!(open_named(&path("fifo")), Err(OpenError::NotRegular)));
        assert!(matches!(open_regular(&path("fifo")), Err(OpenError::NotRegular)));
        assert!(matches!(open_regular(directory.path()), Err(OpenError::NotRegular)));
        assert!(open_to_append(&path("link"), None).is_err());
        assert!(open_to_append(&path("fifo"), None).is_err());
        assert_eq!(others(&open_to_append(&path("new"), None).unwrap()).unwrap().bits, 0);
    }

    #[test]
    fn what_others_may_do_is_read_from_the_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "x").unwrap();
        for (mode, has_permissions, can_write) in
            [(0o600, false, false), (0o640, true, false), (0o602, true, true), (0o611, true, false)]
        {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let others = others(&open_regular(&path).unwrap()).unwrap();
            assert_eq!(others.has_permissions(), has_permissions, "{mode:o}");
            assert_eq!(others.can_write(), can_write, "{mode:o}");
        }
    }
}

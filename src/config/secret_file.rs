//! Files that hold secrets: regular, ours, and for our eyes only.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;
use crate::model::SecretText;

/// The largest file that is read as a secret or a config, in bytes.
pub(super) const SIZE_LIMIT: u64 = 256 * 1024;

/// Reads a secret from a file, without the line break at its end.
///
/// # Errors
/// When the file is a link or no regular file, belongs to somebody else, can be read by others, or
/// is not there.
pub fn read_secret(path: &Path) -> Result<SecretText, ConfigError> {
    let file = open(path)?;
    check_private(path, &file)?;
    let text = Zeroizing::new(read_text(path, file)?);
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Opens a regular file without following a link in its last part.
pub(super) fn open(path: &Path) -> Result<File, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    // Without O_NONBLOCK, opening a FIFO would wait for a writer for ever.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let problem = "it is not a regular file".to_owned();
        return Err(ConfigError::Invalid { path: path.to_owned(), problem });
    }
    Ok(file)
}

/// Refuses a file that others own or can read.
pub(super) fn check_private(path: &Path, file: &File) -> Result<(), ConfigError> {
    let exposed = |problem| ConfigError::Exposed { path: path.to_owned(), problem };
    let metadata = file
        .metadata()
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us && metadata.uid() != 0 {
        return Err(exposed("belongs to another user"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(exposed("can be read by others"));
    }
    Ok(())
}

/// Reads a text of bounded size.
pub(super) fn read_text(path: &Path, file: File) -> Result<String, ConfigError> {
    let mut text = String::new();
    file.take(SIZE_LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    if text.len() as u64 > SIZE_LIMIT {
        let problem = format!("it is larger than {SIZE_LIMIT} bytes");
        return Err(ConfigError::Invalid { path: path.to_owned(), problem });
    }
    Ok(text)
}

//! Files that hold secrets: regular, owned by us or root, and without permissions for others.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::ConfigError;
use crate::files::{OpenError, open_regular, others};
use crate::model::SecretText;

/// The largest file that is read as a secret or a config, in bytes.
pub(super) const SIZE_LIMIT: u64 = 256 * 1024;

/// Reads a secret from a file, without the line break at its end.
///
/// # Errors
/// `Exposed` when it belongs to another user or others have permissions on it.
pub(crate) fn read_secret(path: &Path) -> Result<SecretText, ConfigError> {
    let file = open(path)?;
    check_private(path, &file)?;
    let text = Zeroizing::new(read_text(path, file)?);
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Opens a regular file without following a link in its last part.
pub(super) fn open(path: &Path) -> Result<File, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    open_regular(path).map_err(|error| match error {
        OpenError::Io(source) => unreadable(source),
        OpenError::NotRegular => {
            ConfigError::Invalid { path: path.to_owned(), problem: error.to_string() }
        }
    })
}

/// Refuses a file that others own or can read.
pub(super) fn check_private(path: &Path, file: &File) -> Result<(), ConfigError> {
    let exposed = |problem| ConfigError::Exposed { path: path.to_owned(), problem };
    let others =
        others(file).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    if others.own_it {
        return Err(exposed("belongs to another user"));
    }
    if others.has_permissions() {
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

//! Files that hold secrets: regular, owned by us or root, and not to be written by others.
//!
//! Container platforms mount secrets as links to files that a group (Kubernetes, 0440) or everybody
//! (Docker, 0444) may read, which is no error and not passed over in silence.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::ConfigError;
use crate::files::{OpenError, Others, open_named, open_regular, others};
use crate::model::SecretText;

/// The largest file that is read as a secret or a config, in bytes.
pub(super) const SIZE_LIMIT: u64 = 256 * 1024;

/// A secret from a file of its own.
#[derive(Debug)]
pub(crate) struct SecretFile {
    pub(crate) text: SecretText,
    /// What the operator should know of the file.
    pub(crate) warning: Option<String>,
}

/// Reads a secret from a file, without the line break at its end.
///
/// # Errors
/// `Exposed` when it belongs to another user or others can write it.
pub(crate) fn read_secret(path: &Path) -> Result<SecretFile, ConfigError> {
    let file = open_named(path).map_err(|error| refused(path, error))?;
    let others = look(path, &file)?;
    if others.can_write() {
        return Err(exposed(path, if others.own_it { OWNED } else { "can be written by others" }));
    }
    let text = Zeroizing::new(read_text(path, file)?);
    let text = SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned());
    let warning = others
        .has_permissions()
        .then(|| format!("{} holds a secret and can be read by others", path.display()));
    Ok(SecretFile { text, warning })
}

const OWNED: &str = "belongs to another user";

/// Opens a regular file without following a link in its last part.
pub(super) fn open(path: &Path) -> Result<File, ConfigError> {
    open_regular(path).map_err(|error| refused(path, error))
}

fn refused(path: &Path, error: OpenError) -> ConfigError {
    let path = path.to_owned();
    match error {
        OpenError::Io(source) => ConfigError::Unreadable { path, source },
        OpenError::NotRegular => ConfigError::Invalid { path, problem: error.to_string() },
    }
}

fn exposed(path: &Path, problem: &'static str) -> ConfigError {
    ConfigError::Exposed { path: path.to_owned(), problem }
}

fn look(path: &Path, file: &File) -> Result<Others, ConfigError> {
    others(file).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

/// Refuses a file that others own or can read.
pub(super) fn check_private(path: &Path, file: &File) -> Result<(), ConfigError> {
    let others = look(path, file)?;
    if others.own_it {
        return Err(exposed(path, OWNED));
    }
    if others.has_permissions() {
        return Err(exposed(path, "can be read by others"));
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

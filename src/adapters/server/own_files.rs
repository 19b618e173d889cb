//! An operator's folder of migrations, written to: a file is added, and none is ever changed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// How a file stands that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    New,
    /// It is there with this very text.
    Same,
    /// It is there with another one.
    Different,
}

/// Looks how a file stands in a folder; nothing is written.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn look(folder: &Path, name: &str, text: &str) -> io::Result<Standing> {
    match fs::read(folder.join(name)) {
        Ok(found) if found == text.as_bytes() => Ok(Standing::Same),
        Ok(_) => Ok(Standing::Different),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Standing::New),
        Err(error) => Err(error),
    }
}

/// Writes a file that is not there yet, and its folder where that is missing.
///
/// # Errors
/// When it is there by now, or the folder cannot be written to.
pub(crate) fn add(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(folder.join(name))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

//! The shape of `tenantctl.toml`: settings at the top, and a table for each profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::ConfigError;
use super::secret_file;
use super::spec::{self, SPECS, Secrecy};
use crate::model::{escape_controls, shorten};

/// One file's content.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ConfigFile {
    /// The settings without a profile, and under every profile that does not have its own.
    #[serde(flatten)]
    pub(super) top: Section,
    #[serde(default)]
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// A `[profiles.NAME]` table.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    #[serde(flatten)]
    pub(super) section: Section,
    /// Every write asks for confirmation and requires `--actor`.
    #[serde(default)]
    pub(super) protected: bool,
}

/// Settings by name. Only texts are accepted, so that each is parsed as if it came from a variable.
pub(super) type Section = BTreeMap<String, toml::Value>;

#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) content: ConfigFile,
}

/// Reads a config file; `None` when it does not exist and `--config` did not name it.
///
/// # Errors
/// When it is not TOML, has an unknown key, or has a password that others can read.
pub(super) fn read(path: &Path, is_named: bool) -> Result<Option<Found>, ConfigError> {
    let file = match secret_file::open(path) {
        Ok(file) => file,
        Err(ConfigError::Unreadable { source, .. })
            if !is_named
                && matches!(
                    source.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let invalid = |problem| ConfigError::Invalid { path: path.to_owned(), problem };
    let handle = file
        .try_clone()
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let text = secret_file::read_text(path, file)?;
    // `error.to_string()` quotes the line, which may hold a password.
    let content: ConfigFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        invalid(format!("line {line} is not valid: {}", error.message()))
    })?;
    let sections = content.profiles.values().map(|profile| &profile.section);
    for (key, value) in sections.chain([&content.top]).flatten() {
        let line = line_of(key, &text);
        if !spec::keys().any(|known| known == *key) {
            let shown = shorten(&escape_controls(key), 40);
            let known = spec::keys().collect::<Vec<_>>().join(", ");
            return Err(invalid(format!(
                "line {line} has the unknown key `{shown}`; known are {known}"
            )));
        }
        let Some(value) = value.as_str() else {
            return Err(invalid(format!("line {line}: `{key}` must be a text in quotes")));
        };
        let is_connection_string =
            SPECS.iter().any(|spec| spec.name == key && spec.secrecy == Secrecy::ConnectionString);
        if is_connection_string && has_password(value) {
            secret_file::check_private(path, &handle)?;
        }
    }
    Ok(Some(Found { path: path.to_owned(), content }))
}

fn has_password(connection_string: &str) -> bool {
    let (_, rest) = connection_string.split_once("://").unwrap_or(("", connection_string));
    rest.split_once('@').is_some_and(|(login, _)| login.contains(':'))
}

/// Returns the first line that begins with a key, counted from 1.
fn line_of(key: &str, text: &str) -> usize {
    let begins = |line: &str| line.trim_start().trim_start_matches(['"', '\'']).starts_with(key);
    text.lines().position(begins).map_or(1, |index| index + 1)
}

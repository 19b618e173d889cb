//! The shape of `tenantctl.toml`: settings at the top, and a table for each profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, secret_file};

/// One file's content.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ConfigFile {
    /// The settings that hold without a profile and under every profile that does not say
    /// otherwise.
    #[serde(flatten)]
    pub(super) top: Section,
    /// One table for each profile.
    #[serde(default)]
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// A `[profiles.NAME]` table.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    /// The profile's settings.
    #[serde(flatten)]
    pub(super) section: Section,
    /// Asks for confirmation on every write and demands `--actor`.
    #[serde(default)]
    pub(super) protected: bool,
}

/// Settings by name. Texts only, so that each is parsed by the same code whatever it came from.
pub(super) type Section = BTreeMap<String, toml::Value>;

/// The keys a section may hold.
const KEYS: &[&str] = &[
    "control_plane_url",
    "control_plane_url_file",
    "placement",
    "cluster_url",
    "cluster_url_file",
    "secret_key_file",
    "access_token_file",
    "management_api_url",
    "organization",
    "region",
    "project_root_cert",
    "migrations_dir",
    "seeds_dir",
    "actor",
    "data_dir",
    "postgres_bin",
    "auth_url",
    "auth_service_key_file",
    "jwks_url",
    "jwt_secret_file",
];

/// The keys that may hold a password and make the file one for our eyes only.
const SECRET_KEYS: &[&str] = &["control_plane_url", "cluster_url"];

/// A file that was found, with its content.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) content: ConfigFile,
}

/// Reads a config file; nothing when there is none and nobody named it.
///
/// # Errors
/// When it is named and missing, is no TOML, holds an unknown key, or holds a password that others
/// can read.
pub(super) fn read(path: &Path, is_named: bool) -> Result<Option<Found>, ConfigError> {
    let file = match secret_file::open(path) {
        Ok(file) => file,
        Err(ConfigError::Unreadable { source, .. })
            if !is_named && source.kind() == std::io::ErrorKind::NotFound =>
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
    // The library's own message quotes the line, which may hold a password.
    let content: ConfigFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        invalid(format!("line {line} is not valid: {}", error.message()))
    })?;
    let sections = content.profiles.values().map(|profile| &profile.section);
    for section in sections.chain([&content.top]) {
        for (key, value) in section {
            if !KEYS.contains(&key.as_str()) {
                let shown = crate::model::shorten(&crate::model::escape_controls(key), 40);
                return Err(invalid(format!(
                    "line {} has the unknown key `{shown}`; known are {}",
                    line_of(key, &text),
                    KEYS.join(", ")
                )));
            }
            let Some(value) = value.as_str() else {
                let line = line_of(key, &text);
                return Err(invalid(format!("line {line}: `{key}` must be a text in quotes")));
            };
            let has_login = value
                .split_once('@')
                .is_some_and(|(login, _)| login.trim_start_matches("postgresql://").contains(':'));
            if SECRET_KEYS.contains(&key.as_str()) && has_login {
                secret_file::check_private(path, &handle)?;
            }
        }
    }
    Ok(Some(Found { path: path.to_owned(), content }))
}

/// Returns the first line that begins with a key, counted from 1.
fn line_of(key: &str, text: &str) -> usize {
    let begins = |line: &str| line.trim_start().trim_start_matches(['"', '\'']).starts_with(key);
    text.lines().position(begins).map_or(1, |index| index + 1)
}

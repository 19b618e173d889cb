//! The copy on disk: one small file for each endpoint, private, replaced in one step.
//!
//! A user who can write it can make us accept tokens they signed, so a file that others may write
//! is ignored. It also holds when a fetch failed, so that a new process does not fetch again at
//! once.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::error::JwksError;
use super::keys::SET_SIZE_LIMIT;
use crate::files::{self, LockError, open_regular, others, replace_cache};
use crate::model::{WebUrl, hex, sha256};

/// The cache file of an endpoint. Times are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The endpoint's whole address.
    pub(super) url: String,
    /// The last good answer.
    pub(super) copy: Option<StoredAnswer>,
    /// The last fetch, if it failed.
    pub(super) failure: Option<StoredFailure>,
    /// When a good answer last lacked the key that was needed.
    pub(super) missed_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    pub(super) asked_ms: i64,
    pub(super) fetched_ms: i64,
    /// The body of the answer.
    pub(super) document: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredFailure {
    pub(super) at_ms: i64,
    pub(super) problem: String,
}

/// The files of one endpoint.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    url: String,
    directory: PathBuf,
    file: PathBuf,
    lock: PathBuf,
}

/// The right to fetch from the endpoint; released when dropped, however the process ends.
#[derive(Debug)]
pub(super) struct FetchLock {
    _file: File,
}

impl Cache {
    pub(super) fn new(data_dir: &Path, url: &WebUrl) -> Self {
        let url = url.to_string();
        let directory = data_dir.join("jwks");
        let name = hex(&sha256(url.as_bytes())[..16]);
        let (file, lock) =
            (directory.join(format!("{name}.json")), directory.join(format!("{name}.lock")));
        Self { url, directory, file, lock }
    }

    /// Reads the cache file; an empty entry when there is none that can be trusted.
    pub(super) fn read(&self) -> Entry {
        let nothing = || Entry { url: self.url.clone(), ..Entry::default() };
        let Some(text) = read_private(&self.file) else { return nothing() };
        match serde_json::from_str::<Entry>(&text) {
            Ok(entry) if entry.url == self.url => entry,
            Ok(_) | Err(_) => nothing(),
        }
    }

    /// Replaces the cache file.
    pub(super) fn write(&self, entry: &Entry) -> Result<(), JwksError> {
        let failed = |source| JwksError::Cache { action: "write", path: self.file.clone(), source };
        let text = serde_json::to_string(entry).map_err(|error| failed(error.into()))?;
        replace_cache(&self.file, text.as_bytes()).map_err(failed)
    }

    /// Deletes the cache file; returns whether there was one.
    pub(super) fn clear(&self) -> Result<bool, JwksError> {
        match fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => {
                Err(JwksError::Cache { action: "remove", path: self.file.clone(), source })
            }
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.file.exists()
    }

    /// Waits for the right to fetch from the endpoint.
    ///
    /// # Errors
    /// When the lock file cannot be made, or another process holds it beyond the deadline.
    pub(super) async fn lock(&self, deadline: Instant) -> Result<FetchLock, JwksError> {
        let failed = |source| JwksError::Cache { action: "lock", path: self.lock.clone(), source };
        make_private(&self.directory).map_err(failed)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        match files::lock(&self.lock, None, patience, || ()).await {
            Ok(file) => Ok(FetchLock { _file: file }),
            Err(LockError::Io(error)) => Err(failed(error)),
            Err(LockError::Held { waited }) => Err(JwksError::Busy { waited }),
        }
    }
}

/// Makes a directory of mode 0700, and its parents where they are missing.
fn make_private(directory: &Path) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns a file's text when it is a regular file that only we can have written.
fn read_private(path: &Path) -> Option<String> {
    let file = open_regular(path).ok()?;
    if others(&file).ok()?.can_write() {
        return None;
    }
    let mut text = String::new();
    // The document stands inside a JSON text, escaped: at worst several bytes for each of its own.
    file.take(8 * SET_SIZE_LIMIT as u64).read_to_string(&mut text).ok()?;
    Some(text)
}

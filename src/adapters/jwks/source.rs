//! Where keys are published: a file, or an endpoint with its copy on disk.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::endpoint::KeyEndpoint;
use super::error::JwksError;
use super::keys::{KeySet, SET_SIZE_LIMIT};
use super::published::Published;
use crate::model::{Clock, JwksSource, Patience, WebUrl};

/// A place where keys are published.
#[derive(Debug)]
pub struct Jwks<'a> {
    source: JwksSource,
    data_dir: PathBuf,
    patience: Patience,
    clock: &'a dyn Clock,
}

impl<'a> Jwks<'a> {
    pub fn new(
        source: JwksSource,
        data_dir: &Path,
        patience: impl Into<Patience>,
        clock: &'a dyn Clock,
    ) -> Self {
        Self { source, data_dir: data_dir.to_owned(), patience: patience.into(), clock }
    }

    pub fn source(&self) -> &JwksSource {
        &self.source
    }

    /// Returns the keys; with a key's name, fetches once when the copy does not have that key.
    ///
    /// # Errors
    /// When there are none: a bad file, or a failed fetch and no copy of the last two hours.
    pub async fn keys(&self, kid: Option<&str>) -> Result<Published, JwksError> {
        match &self.source {
            JwksSource::File(path) => read_file(path),
            JwksSource::Url(url) => self.at(url).keys(kid, false).await,
        }
    }

    /// Fetches from the endpoint, however fresh the copy is.
    ///
    /// # Errors
    /// When there is no good answer; the copy stays.
    pub async fn refresh(&self) -> Result<Published, JwksError> {
        match &self.source {
            JwksSource::File(path) => read_file(path),
            JwksSource::Url(url) => self.at(url).keys(None, true).await,
        }
    }

    /// Deletes the copy; returns whether there was one.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn clear(&self) -> Result<bool, JwksError> {
        match &self.source {
            JwksSource::File(_) => Ok(false),
            JwksSource::Url(url) => Cache::new(&self.data_dir, url).clear(),
        }
    }

    /// Returns whether a copy is kept on disk.
    pub(crate) fn is_kept(&self) -> bool {
        match &self.source {
            JwksSource::File(_) => false,
            JwksSource::Url(url) => Cache::new(&self.data_dir, url).is_kept(),
        }
    }

    fn at<'b>(&'b self, url: &'b WebUrl) -> KeyEndpoint<'b> {
        KeyEndpoint {
            url,
            cache: Cache::new(&self.data_dir, url),
            deadline: self.patience.until(),
            clock: self.clock,
        }
    }
}

fn read_file(path: &Path) -> Result<Published, JwksError> {
    let failed = |source| JwksError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(SET_SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let set = KeySet::parse(&bytes)
        .map_err(|source| JwksError::BadFile { path: path.to_owned(), source: Box::new(source) })?;
    Ok(Published {
        set,
        source: path.display().to_string(),
        fetched_at: None,
        was_fetched: false,
        is_stale: false,
        rests_until: None,
        problem: None,
        not_kept: None,
    })
}

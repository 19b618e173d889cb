//! Why there are no keys to verify with.

use std::path::PathBuf;
use std::time::Duration;

use super::skipped::SkippedKey;
use crate::model::{Classified, ErrorKind};

/// What can go wrong between us and a set of keys.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// A file cannot be read.
    #[error("read the keys in {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("use the keys in {}", path.display())]
    BadFile {
        path: PathBuf,
        #[source]
        source: Box<JwksError>,
    },
    #[error("the document is not a set of keys: {0}")]
    NotASet(String),
    #[error("the document is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// No entry of the set can verify a token.
    #[error("the set has no key that can be used{}", reasons(skipped))]
    NoUsableKey { skipped: Vec<SkippedKey> },
    /// The fetch failed, and no copy is young enough.
    #[error("get the keys from {url}")]
    Unreachable {
        url: String,
        #[source]
        source: Box<JwksError>,
    },
    /// The endpoint's answer, or the connection to it.
    #[error("{0}")]
    Fetch(String),
    /// Another process has held the right to fetch for longer than we may wait.
    #[error("another tenantctl has been fetching from the endpoint for {} s", waited.as_secs())]
    Busy { waited: Duration },
    /// The cache's files cannot be used.
    #[error("{action} {}", path.display())]
    Cache {
        /// As in "write".
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Classified for JwksError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::BadFile { .. } => ErrorKind::Usage,
            _ => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoUsableKey { skipped } if skipped.is_empty() => Some(
                "an Auth server that signs with its legacy secret (HS256) publishes no keys: pass \
                 --secret-file"
                    .to_owned(),
            ),
            Self::Unreachable { source, .. } | Self::BadFile { source, .. } => source.hint(),
            Self::Cache { .. } => Some("set TENANTCTL_DATA_DIR to a directory of yours".to_owned()),
            _ => None,
        }
    }
}

/// Returns up to three reasons why entries were left out.
fn reasons(skipped: &[SkippedKey]) -> String {
    let all: Vec<_> = skipped.iter().take(3).map(|key| key.reason.as_str()).collect();
    if all.is_empty() { ": it is empty".to_owned() } else { format!(": {}", all.join("; ")) }
}

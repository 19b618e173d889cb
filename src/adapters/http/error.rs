//! Why no answer came, in words that are safe to show.
//!
//! An answer with an unhappy status is no error here: what a status means is the caller's.

use crate::model::{Classified, ErrorKind};

/// Why a call brought no answer. Texts name scheme, host, port and path, never a query or a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be used; nothing was contacted.
    #[error("use the address `{address}`: {problem}")]
    Address {
        /// The address, without login and query.
        address: String,
        problem: String,
    },
    /// The client could not be made.
    #[error("start the HTTP client: {0}")]
    Start(String),
    /// No connection came about; nothing was sent.
    #[error("reach {target}: {cause}")]
    Unreachable { target: String, cause: String },
    /// No answer in time; what was asked for may have been done.
    #[error("get an answer from {target} in time")]
    TimedOut { target: String },
    /// The connection broke before the answer was whole; what was asked for may have been done.
    #[error("get a whole answer from {target}: {cause}")]
    Broken { target: String, cause: String },
    /// The answer is larger than anything we ask for.
    #[error("read the answer of {target}: it is larger than {limit} bytes")]
    TooLarge {
        target: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
}

impl HttpError {
    /// Returns what went wrong, without the address.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::Address { problem: text, .. }
            | Self::Start(text)
            | Self::Unreachable { cause: text, .. }
            | Self::Broken { cause: text, .. } => text.clone(),
            Self::TimedOut { .. } => "no answer".to_owned(),
            Self::TooLarge { limit, .. } => format!("more than {limit} bytes"),
        }
    }

    /// Returns whether the other side may have acted on the call.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Broken { .. } | Self::TooLarge { .. })
    }
}

impl Classified for HttpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. } => ErrorKind::Usage,
            Self::Start(_) => ErrorKind::Internal,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::TooLarge { .. } => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TimedOut { .. } => Some("try again, with a longer --timeout".to_owned()),
            _ => None,
        }
    }
}

//! The kinds of failure that scripts can tell apart.
//!
//! Services and adapters choose the kind; only `output::exit` turns it into an exit code.

/// What a script needs to know to decide what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// A bug in tenantctl.
    Internal,
    /// The command line or the config was wrong; nothing was contacted.
    Usage,
    /// Confirmation or a precondition is missing; nothing changed.
    Refused,
    /// No such tenant, session or run, or its database is not there.
    NotFound,
    /// Exists with another specification, is in the wrong state, or is locked by another run.
    Conflict,
    /// Credentials were rejected.
    Denied,
    /// Network, rate limit or timeout; trying again is safe.
    Unavailable,
    /// Stopped part-way; the same command continues it.
    Incomplete,
    /// Some tenants are done, some are not; the report lists both.
    Partial,
    /// Something that was compared is different.
    Differences,
    /// Understood, and not valid.
    Rejected,
    /// A lockdown was written but a probe could still get in, or could not be run.
    Unproven,
    /// Stopped by the operator; state is saved.
    Interrupted,
}

impl ErrorKind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 13] = [
        Self::Internal,
        Self::Usage,
        Self::Refused,
        Self::NotFound,
        Self::Conflict,
        Self::Denied,
        Self::Unavailable,
        Self::Incomplete,
        Self::Partial,
        Self::Differences,
        Self::Rejected,
        Self::Unproven,
        Self::Interrupted,
    ];

    /// Returns the word that JSON errors carry.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Incomplete => "incomplete",
            Self::Partial => "partial",
            Self::Differences => "differences",
            Self::Rejected => "rejected",
            Self::Unproven => "unproven",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns whether running the same command again is safe and may succeed.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::Incomplete | Self::Partial | Self::Interrupted)
    }
}

/// A step that our own code must have taken and did not: a bug in tenantctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}; this is a bug in tenantctl")]
pub(crate) struct InternalError(pub &'static str);

impl Classified for InternalError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
}

/// What a server refused, where a refusal is behind an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The SQLSTATE, where the server gave one.
    pub sqlstate: Option<String>,
    /// The migration that was being applied, as in `V3__products`.
    pub migration: Option<String>,
}

impl Refusal {
    /// Returns whether a statement gave up, as it does for a lock that somebody holds.
    pub(crate) fn is_lock(&self) -> bool {
        self.sqlstate.as_deref().is_some_and(|code| ["55P03", "57014"].contains(&code))
    }
}

/// An error with a kind and, where one exists, a hint.
pub trait Classified: std::error::Error {
    fn kind(&self) -> ErrorKind;

    /// Returns what the operator can do about it, with the command to type.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Returns whether nothing failed: the rest was put off, as was asked.
    fn is_put_off(&self) -> bool {
        false
    }

    /// Returns the tenants that were named and do not exist, for somebody who looks for names like theirs.
    fn missing_tenants(&self) -> &[String] {
        &[]
    }

    /// Returns what a server refused, so that failures of many tenants can be grouped.
    fn refusal(&self) -> Refusal {
        Refusal::default()
    }

    /// Returns the error and its causes, each once: a transparent error repeats what it wraps.
    fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.to_string()];
        let mut source = self.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if chain.last() != Some(&text) {
                chain.push(text);
            }
            source = cause.source();
        }
        chain
    }
}

//! What a server or the way to it answered, in words that are safe to show.
//!
//! sqlx's own text is never printed: it appends a line number of Postgres's C source to server
//! messages, and the messages themselves may hold terminal escapes.

use std::fmt;
use std::io;
use std::sync::Arc;

use sqlx::postgres::PgDatabaseError;

use super::certificate::{TlsTrouble, trouble};
use super::row::Unfit;
use crate::model::{Classified, ErrorKind, Refusal, escape_controls, shorten};

/// The longest part of a server's message that is kept, in characters.
const MESSAGE_LIMIT: usize = 600;

/// One failure of a server or of the connection to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFault {
    /// The SQLSTATE, when the server answered.
    pub sqlstate: Option<String>,
    /// The message, escaped and bounded.
    pub message: String,
    /// The server's detail, escaped and bounded.
    pub detail: Option<String>,
    /// The server's own hint, escaped and bounded.
    pub server_hint: Option<String>,
    /// Where in the statement's text, counted in characters from 1.
    pub position: Option<usize>,
    is_connection: bool,
    io: Option<io::ErrorKind>,
    tls: Option<TlsTrouble>,
    /// The setting that said with whom to open a session, where one did.
    setting: Option<Arc<str>>,
}

impl ServerFault {
    /// Returns whether the server gave this SQLSTATE.
    pub fn is(&self, sqlstate: &str) -> bool {
        self.sqlstate.as_deref() == Some(sqlstate)
    }

    /// Returns what the system said of the socket, when it was that which failed.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io
    }

    /// Returns the same about a session with whom a setting says.
    pub(super) fn of(self, setting: Option<Arc<str>>) -> Self {
        Self { setting, ..self }
    }

    /// Returns what to do about a session that did not come about, where a setting says with whom.
    fn hint(&self) -> Option<String> {
        if let Some(tls) = &self.tls {
            return Some(tls.hint.to_owned());
        }
        let setting = self.setting.as_ref()?;
        Some(match self.sqlstate.as_deref() {
            Some(code) if code.starts_with("28") => {
                format!("the login and its password are from {setting}")
            }
            Some("3D000") => format!("the database's name is from {setting}"),
            None if self.is_connection => format!("the address is from {setting}"),
            _ => return None,
        })
    }

    /// Returns the SQLSTATE, or that the server gave none.
    pub(super) fn code(&self) -> String {
        match &self.sqlstate {
            Some(code) => format!("SQLSTATE {code}"),
            None if self.is_connection => "the connection failed".to_owned(),
            None => "the answer cannot be read".to_owned(),
        }
    }

    /// Returns the kind of ending this fault means when nothing more specific is known.
    pub fn kind(&self) -> ErrorKind {
        if let Some(tls) = &self.tls {
            return tls.kind;
        }
        let Some(code) = self.sqlstate.as_deref() else {
            return if self.is_connection { ErrorKind::Unavailable } else { ErrorKind::Internal };
        };
        match code {
            _ if code.starts_with("28") => ErrorKind::Denied,
            "42501" => ErrorKind::Denied,
            // The database, schema or table is missing: a precondition, not a fault.
            "3D000" | "3F000" | "42P01" => ErrorKind::Refused,
            // Connection trouble, resources, shutting down, locks and cancelled statements pass.
            _ if code.starts_with("08") || code.starts_with("53") => ErrorKind::Unavailable,
            _ if code.starts_with("57") => ErrorKind::Unavailable,
            "25006" | "40001" | "40P01" | "55P03" | "55006" => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        }
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.sqlstate {
            write!(f, " (SQLSTATE {code})")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, "; {detail}")?;
        }
        if let Some(hint) = &self.server_hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServerFault {}

impl From<sqlx::Error> for ServerFault {
    fn from(error: sqlx::Error) -> Self {
        let clean = |text: &str| shorten(&escape_controls(text), MESSAGE_LIMIT);
        let is_connection = matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed
        );
        if let sqlx::Error::Database(database) = &error
            && let Some(server) = database.try_downcast_ref::<PgDatabaseError>()
        {
            let position = match server.position() {
                Some(sqlx::postgres::PgErrorPosition::Original(position)) => Some(position),
                _ => None,
            };
            return Self {
                sqlstate: Some(clean(server.code())),
                message: clean(server.message()),
                detail: server.detail().map(clean),
                server_hint: server.hint().map(clean),
                position,
                is_connection: false,
                io: None,
                tls: None,
                setting: None,
            };
        }
        let message = match &error {
            sqlx::Error::Io(io) => clean(&io.to_string()),
            sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
            other => clean(&other.to_string()),
        };
        let tls = if is_connection { trouble(&message) } else { None };
        let message = tls.as_ref().map_or(message, |tls| tls.message.clone());
        Self {
            sqlstate: None,
            message,
            detail: None,
            server_hint: None,
            position: None,
            is_connection,
            io: if let sqlx::Error::Io(io) = &error { Some(io.kind()) } else { None },
            tls,
            setting: None,
        }
    }
}

/// A failure of the server or of the connection to it, with what was being done.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// No session came about.
    #[error("connect to {target}")]
    Connect {
        /// Host, port and database, without the login's password.
        target: String,
        /// What went wrong.
        #[source]
        fault: Box<ServerFault>,
    },
    /// Every connection was taken, for as long as could be waited.
    #[error("get a connection to {target} within {seconds} s: every one is taken")]
    Full {
        /// Host, port and database, without the login's password.
        target: String,
        /// How long was waited, in seconds.
        seconds: f64,
        /// What was answered last.
        #[source]
        fault: Box<ServerFault>,
    },
    /// Each transaction there runs in another session.
    #[error(
        "use {target}: a pooler in transaction mode answers there, and tenantctl needs a session of \
         its own"
    )]
    Pooled {
        /// Host, port and database, without the login's password.
        target: String,
    },
    /// The server did not answer in time.
    #[error("connect to {target} within {seconds} s")]
    ConnectTimeout {
        /// Host, port and database, without the login's password.
        target: String,
        /// How long was waited, in seconds.
        seconds: f64,
    },
    /// A statement failed.
    #[error("{doing}")]
    Statement {
        /// What the statement was for, as it reads after "failed to".
        doing: &'static str,
        /// What went wrong.
        #[source]
        fault: Box<ServerFault>,
    },
    /// A row breaks what the schema promises.
    #[error("read {table}.{column}: row {row} holds a value that cannot be there")]
    Inconsistency {
        table: &'static str,
        column: &'static str,
        /// The row's key, escaped.
        row: String,
    },
}

impl PgError {
    /// Returns a function that says what a failing statement was for.
    pub fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |error| {
            if let sqlx::Error::ColumnDecode { source, .. } = &error
                && let Some(Unfit { table, column, row }) = source.downcast_ref()
            {
                return Self::Inconsistency { table, column, row: row.clone() };
            }
            let fault = ServerFault::from(error);
            tracing::debug!("failed to {doing}: {}", fault.code());
            Self::Statement { doing, fault: Box::new(fault) }
        }
    }

    /// Returns the same failure to open a session, with another name for where.
    pub(crate) fn at(self, target: String) -> Self {
        match self {
            Self::Connect { fault, .. } => Self::Connect { target, fault },
            Self::Full { seconds, fault, .. } => Self::Full { target, seconds, fault },
            Self::Pooled { .. } => Self::Pooled { target },
            other => other,
        }
    }

    /// Returns the server's fault, when there is one.
    pub fn fault(&self) -> Option<&ServerFault> {
        match self {
            Self::Connect { fault, .. }
            | Self::Full { fault, .. }
            | Self::Statement { fault, .. } => Some(fault),
            Self::ConnectTimeout { .. } | Self::Pooled { .. } | Self::Inconsistency { .. } => None,
        }
    }

    /// Returns whether the server gave this SQLSTATE.
    pub fn is(&self, sqlstate: &str) -> bool {
        self.fault().is_some_and(|fault| fault.is(sqlstate))
    }
}

impl Classified for PgError {
    fn refusal(&self) -> Refusal {
        let sqlstate = self.fault().and_then(|fault| fault.sqlstate.clone());
        Refusal { sqlstate, migration: None }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect { fault, .. } | Self::Statement { fault, .. } => fault.kind(),
            Self::ConnectTimeout { .. } | Self::Full { .. } => ErrorKind::Unavailable,
            Self::Pooled { .. } => ErrorKind::Refused,
            Self::Inconsistency { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Full { .. } => Some(
                "end sessions there, allow more (max_connections, or CONNECTION LIMIT of the role \
                 or database), or pass a longer --timeout"
                    .to_owned(),
            ),
            Self::Pooled { .. } => {
                Some("set its address to the server itself or to its session-mode port".to_owned())
            }
            // The server's own hint asks for a larger table; a session that fills one fills that too,
            // and no setting limits what one may take (PostgreSQL docs, "Lock Management").
            _ if self.is("53200") => Some(
                "the sessions that fill the server's table of locks have to end: from the server's \
                 own machine (`pg_ctl kill TERM PID`), or by a restart of the server or the project"
                    .to_owned(),
            ),
            Self::ConnectTimeout { .. } => Some(
                "see whether that server is up and answers, or pass a longer --timeout".to_owned(),
            ),
            Self::Connect { fault, .. } => fault.hint(),
            Self::Statement { .. } | Self::Inconsistency { .. } => None,
        }
    }
}

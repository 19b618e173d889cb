//! Why a text is no connection string.

/// Why a text is no connection string. The text itself is never repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL, or not one of Postgres.
    #[error("it is not of the form postgresql://USER@HOST:PORT/DATABASE")]
    NotAPostgresUrl,
    /// A part that must be there is not.
    #[error("it names no {0}")]
    Missing(&'static str),
    /// A parameter we would have to ignore.
    #[error("its parameter `{0}` is not supported; known are sslmode, sslrootcert and host")]
    Parameter(String),
    /// What is asked of the server's certificate does not fit together.
    #[error("{0}")]
    Tls(&'static str),
    /// The file of the authority, by its path.
    #[error("its sslrootcert is {0}, and there is no such file")]
    NoRootCert(String),
    #[error("its sslmode is none of disable, allow, prefer, require, verify-ca and verify-full")]
    Mode,
    /// A value we cannot use.
    #[error("its {0} is not valid")]
    Value(&'static str),
}

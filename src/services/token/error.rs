//! What is wrong with a token's shape, in words that never repeat the token.

use crate::adapters::control_plane::ControlPlaneError;
use crate::model::{Classified, ErrorKind, StrictJsonError};

/// A part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Header,
    Payload,
    Signature,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a text is not a token that could be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("there is no token: the text is empty")]
    Empty,
    #[error("found more than {limit} bytes; expected at most {limit}")]
    TooLarge { limit: usize },
    /// The header of an HTTP request was pasted.
    #[error("found the word `Bearer` before it; expected the token alone")]
    Bearer,
    /// Blanks or line breaks.
    #[error("found white space at byte {0}; expected none")]
    WhiteSpace(usize),
    /// `=`.
    #[error("found padding (`=`) at byte {0}; expected base64url without padding")]
    Padding(usize),
    /// `+` or `/`.
    #[error("found base64 of the standard alphabet at byte {0}; expected base64url")]
    StandardAlphabet(usize),
    #[error("found a character at byte {0} that no token has; expected base64url and dots")]
    Character(usize),
    #[error("found {0} {parts}; expected 3{hint}", parts = if *(.0) == 1 { "part" } else { "parts" },
        hint = if *(.0) == 5 { " (5 are an encrypted token)" } else { "" })]
    Parts(usize),
    /// Unused bits that are not zero, or a length that no bytes encode to.
    #[error("the {0} is not canonical base64url: it was cut or altered")]
    Base64(Part),
    /// Not JSON, or JSON that two readers could take differently.
    #[error("the {0} is not JSON as it must be: {1}")]
    Json(Part, StrictJsonError),
    #[error("the {0} is not a JSON object")]
    NotAnObject(Part),
    /// The header has a `crit` that we do not understand.
    #[error("the header has `crit`: extensions that must be understood are refused")]
    Critical,
    /// The header says that the payload is not base64url.
    #[error("the header has `b64`: only base64url payloads are accepted")]
    Unencoded,
    /// Another kind of token.
    #[error("found type {0}; expected `JWT` or `at+jwt`")]
    Type(String),
    /// Claims that other kinds of token have.
    #[error("the payload has `{0}`, as {1} has it; expected an access token")]
    Purpose(&'static str, &'static str),
    #[error("the payload has no `sub`: it names no user")]
    NoSubject,
    #[error("found {0} as `sub`; expected a text of 1 to 255 characters")]
    Subject(String),
}

/// Why a token could not be examined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
}

impl Classified for TokenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::NoTenant(_) => ErrorKind::NotFound,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NoTenant(named) => std::slice::from_ref(named),
            Self::ControlPlane(_) => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
        }
    }
}

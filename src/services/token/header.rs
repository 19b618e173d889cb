//! A token's header, which an attacker may have written.
//!
//! It may choose among the keys we have, by name; it may not carry a key or say where to fetch one.

use serde_json::{Map, Value};

use super::claims::shown;
use super::error::FormatError;

/// The algorithms that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// ECDSA, P-256, SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// HMAC, SHA-256: only with a secret that the operator gave.
    Hs256,
}

impl Algorithm {
    /// Returns the value of `alg`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// Header parameters that carry a key or say where one is; none is ever used.
const KEY_BRINGERS: [&str; 6] = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];

/// The types an access token may declare, in lower case.
const TYPES: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// A header, unverified.
#[derive(Debug, Clone)]
pub struct Header(Map<String, Value>);

impl Header {
    pub(super) fn new(parameters: Map<String, Value>) -> Self {
        Self(parameters)
    }

    pub fn parameters(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the key's name.
    ///
    /// # Errors
    /// The value, when it is not a text.
    pub fn kid(&self) -> Result<Option<&str>, String> {
        match self.0.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) => Ok(Some(kid)),
            Some(other) => Err(shown(other)),
        }
    }

    /// Returns the names of the parameters that carry a key or say where one is.
    pub(super) fn ignored(&self) -> Vec<&'static str> {
        KEY_BRINGERS.into_iter().filter(|name| self.0.contains_key(*name)).collect()
    }

    /// Refuses `crit`, `b64` and other types, all of which the library accepts (jsonwebtoken 11.1,
    /// tried 2026-11).
    pub(super) fn check(&self) -> Result<(), FormatError> {
        if self.0.contains_key("crit") {
            return Err(FormatError::Critical);
        }
        if self.0.contains_key("b64") {
            return Err(FormatError::Unencoded);
        }
        match self.0.get("typ") {
            None => Ok(()),
            Some(Value::String(kind)) if TYPES.contains(&kind.to_ascii_lowercase().as_str()) => {
                Ok(())
            }
            Some(other) => Err(FormatError::Type(shown(other))),
        }
    }

    /// Returns the algorithm, or why it is refused.
    pub(super) fn algorithm(&self, has_secret: bool) -> Result<Algorithm, String> {
        const ACCEPTED: &str = "RS256, ES256 or EdDSA";
        let name = match self.0.get("alg") {
            None => return Err(format!("found none named; expected {ACCEPTED}")),
            Some(Value::String(name)) => name.as_str(),
            Some(other) => return Err(format!("found {}; expected {ACCEPTED}", shown(other))),
        };
        match name {
            "RS256" => Ok(Algorithm::Rs256),
            "ES256" => Ok(Algorithm::Es256),
            "EdDSA" => Ok(Algorithm::EdDsa),
            "HS256" if has_secret => Ok(Algorithm::Hs256),
            "HS256" => Err(format!(
                "found HS256, and no secret was given; expected {ACCEPTED}: a public key is never \
                 used as a secret"
            )),
            _ if name.trim().eq_ignore_ascii_case("none") => {
                Err(format!("found `none`, an unsigned token; expected {ACCEPTED}"))
            }
            _ => Err(format!("found {}; expected {ACCEPTED}", shown(&Value::from(name)))),
        }
    }
}

//! A token's claims: unverified at first, `Claims` once every rule holds.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::FormatError;
use crate::model::{Jti, TenantId, escape_controls, shorten};

/// The last second of the year 9999; what lies beyond is no date.
const LAST_SECOND: i64 = 253_402_300_799;

/// Claims that distinguish another kind of token from an access token, whatever type its header
/// declares: security events, logout among them (RFC 8417, `OpenID` Connect Back-Channel Logout
/// §2.4), and ID tokens (`OpenID` Connect Core §2, §3.3.2.11). Supabase's access tokens have none
/// of them.
const OTHER_PURPOSES: [(&str, &str); 4] = [
    ("events", "a logout token"),
    ("nonce", "an ID token"),
    ("at_hash", "an ID token"),
    ("c_hash", "an ID token"),
];

/// The length of a UUID in its usual form; only some parsers also read braces and prefixes.
const UUID_LENGTH: usize = 36;

/// A `NumericDate` without fraction: whole seconds since 1970 (RFC 7519 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64);

impl Instant {
    /// Returns the seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0
    }

    pub fn date(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// A claim: absent, right, or of a type it must not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim<T> {
    Missing,
    Wrong(String),
    Found(T),
}

/// Claims that anyone may have written.
#[derive(Debug, Clone)]
pub struct UnverifiedClaims(Map<String, Value>);

/// Claims of a token for which every rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `app_metadata.tenant_id`.
    pub tenant_id: Option<TenantId>,
    /// `jti`, else `session_id`.
    pub session: Option<Jti>,
    /// `role`: the database's role.
    pub role: Option<String>,
    /// `iat`.
    pub issued_at: Instant,
    /// `exp`.
    pub expires_at: Instant,
}

impl UnverifiedClaims {
    pub(super) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    pub fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns a claim as a date, where it is one.
    pub fn date(&self, name: &str) -> Option<OffsetDateTime> {
        match self.instant(name) {
            Claim::Found(instant) => Some(instant.date()),
            Claim::Missing | Claim::Wrong(_) => None,
        }
    }

    /// Refuses tokens that the same server signs with the same key for another purpose.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        match OTHER_PURPOSES.iter().find(|(name, _)| self.0.contains_key(*name)) {
            Some((name, kind)) => Err(FormatError::Purpose(name, kind)),
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, name: &str) -> Claim<String> {
        text_of(self.0.get(name))
    }

    pub(super) fn subject(&self) -> Claim<String> {
        match self.text("sub") {
            Claim::Found(subject) if !(1..=255).contains(&subject.chars().count()) => {
                Claim::Wrong(format!("a text of {} characters", subject.chars().count()))
            }
            claim => claim,
        }
    }

    /// Returns a point in time; a text, a fraction or a negative number is none.
    pub(super) fn instant(&self, name: &str) -> Claim<Instant> {
        match self.0.get(name) {
            None => Claim::Missing,
            Some(value) => match value.as_i64() {
                Some(seconds @ 0..=LAST_SECOND) => Claim::Found(Instant(seconds)),
                Some(_) | None => Claim::Wrong(shown(value)),
            },
        }
    }

    /// Returns `aud`: one text, or a list of texts.
    pub(super) fn audience(&self) -> Claim<Vec<String>> {
        match self.0.get("aud") {
            None => Claim::Missing,
            Some(Value::String(one)) => Claim::Found(vec![one.clone()]),
            Some(value @ Value::Array(several)) => {
                let texts: Option<Vec<_>> =
                    several.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                match texts {
                    Some(texts) if !texts.is_empty() => Claim::Found(texts),
                    _ => Claim::Wrong(shown(value)),
                }
            }
            Some(other) => Claim::Wrong(shown(other)),
        }
    }

    /// Returns the tenant of `app_metadata`. `user_metadata` is ignored: the user can write it.
    pub(super) fn tenant(&self) -> Claim<TenantId> {
        let metadata = match self.0.get("app_metadata") {
            None | Some(Value::Null) => return Claim::Missing,
            Some(Value::Object(metadata)) => metadata,
            Some(other) => return Claim::Wrong(format!("{} as app_metadata", shown(other))),
        };
        match metadata.get("tenant_id") {
            None => Claim::Missing,
            Some(value) => {
                let text = value.as_str().filter(|text| text.len() == UUID_LENGTH);
                match text.and_then(|text| Uuid::try_parse(text).ok()) {
                    Some(id) => Claim::Found(TenantId(id)),
                    None => Claim::Wrong(shown(value)),
                }
            }
        }
    }

    /// Returns what identifies the session: `jti` if there is one, else `session_id`.
    pub(super) fn session(&self) -> Claim<Jti> {
        let value = self.0.get("jti").or_else(|| self.0.get("session_id"));
        match text_of(value) {
            Claim::Missing => Claim::Missing,
            Claim::Wrong(what) => Claim::Wrong(what),
            Claim::Found(text) => match text.parse() {
                Ok(jti) => Claim::Found(jti),
                Err(_) => Claim::Wrong(shown(&Value::from(text))),
            },
        }
    }

    /// Returns the claims as verified. The caller has checked that every rule holds.
    pub(super) fn as_verified(&self) -> Option<Claims> {
        let found = |claim| match claim {
            Claim::Found(value) => Some(value),
            Claim::Missing | Claim::Wrong(_) => None,
        };
        Some(Claims {
            subject: found(self.subject())?,
            issuer: found(self.text("iss"))?,
            audience: match self.audience() {
                Claim::Found(audience) => audience,
                Claim::Missing | Claim::Wrong(_) => return None,
            },
            tenant_id: match self.tenant() {
                Claim::Found(id) => Some(id),
                Claim::Missing | Claim::Wrong(_) => None,
            },
            session: match self.session() {
                Claim::Found(jti) => Some(jti),
                Claim::Missing | Claim::Wrong(_) => None,
            },
            role: found(self.text("role")),
            issued_at: match self.instant("iat") {
                Claim::Found(at) => at,
                Claim::Missing | Claim::Wrong(_) => return None,
            },
            expires_at: match self.instant("exp") {
                Claim::Found(at) => at,
                Claim::Missing | Claim::Wrong(_) => return None,
            },
        })
    }
}

fn text_of(value: Option<&Value>) -> Claim<String> {
    match value {
        None => Claim::Missing,
        Some(Value::String(text)) => Claim::Found(text.clone()),
        Some(other) => Claim::Wrong(shown(other)),
    }
}

/// Returns a value of a header or a claim as a message may show it: short, without controls.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64() {
            _ if number.is_i64() || number.is_u64() => format!("the number {number}"),
            Some(float) => format!("the number {float:e}, not a whole one"),
            None => "a number".to_owned(),
        },
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text `{}`", shorten(&escape_controls(text), 80)),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

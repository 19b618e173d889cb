//! A token taken apart: pure, bounded, and strict about every byte.
//!
//! What can be read is kept even when something else is wrong, so that every check has a result.
//! Nothing is verified here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::claims::{Claim, UnverifiedClaims};
use super::error::{FormatError, Part};
use super::header::Header;
use crate::model::parse_strict_json;

/// The largest token that is looked at, in bytes.
pub(crate) const SIZE_LIMIT: usize = 8 * 1024;

/// A token, as far as it could be read.
pub struct Token {
    size: usize,
    header: Option<Header>,
    claims: Option<UnverifiedClaims>,
    signed: Option<Signed>,
    problem: Option<FormatError>,
}

/// What was signed, and the signature.
pub(super) struct Signed {
    pub(super) input: Zeroizing<Vec<u8>>,
    /// Canonical base64url.
    pub(super) signature: Zeroizing<String>,
    pub(super) signature_bytes: usize,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a token of {} bytes", self.size)
    }
}

impl Token {
    /// Reads a token; what is wrong with it is kept for the `format` check.
    pub fn read(bytes: &[u8]) -> Self {
        let mut token =
            Self { size: bytes.len(), header: None, claims: None, signed: None, problem: None };
        match parts(bytes) {
            Ok([header, payload, signature]) => token.read_parts(header, payload, signature),
            Err(problem) => token.problem = Some(problem),
        }
        token
    }

    /// Returns how many bytes it has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the header, if it could be read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Returns the claims, if the payload holds any.
    pub fn claims(&self) -> Option<&UnverifiedClaims> {
        self.claims.as_ref()
    }

    /// Returns the first thing that is wrong with its shape.
    pub fn problem(&self) -> Option<&FormatError> {
        self.problem.as_ref()
    }

    pub(super) fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    fn read_parts(&mut self, header: &str, payload: &str, signature: &str) {
        match object(Part::Header, header) {
            Ok(parameters) => self.header = Some(Header::new(parameters)),
            Err(problem) => self.note(problem),
        }
        match object(Part::Payload, payload) {
            Ok(claims) => self.claims = Some(UnverifiedClaims::new(claims)),
            Err(problem) => self.note(problem),
        }
        match decode(Part::Signature, signature) {
            Ok(decoded) => {
                self.signed = Some(Signed {
                    input: Zeroizing::new([header, ".", payload].concat().into_bytes()),
                    signature: Zeroizing::new(signature.to_owned()),
                    signature_bytes: decoded.len(),
                });
            }
            Err(problem) => self.note(problem),
        }
        if let Some(Err(problem)) = self.header.as_ref().map(Header::check) {
            self.note(problem);
        }
        if let Some(Err(problem)) = self.claims.as_ref().map(UnverifiedClaims::check) {
            self.note(problem);
        }
        match self.claims.as_ref().map(UnverifiedClaims::subject) {
            Some(Claim::Missing) => self.note(FormatError::NoSubject),
            Some(Claim::Wrong(what)) => self.note(FormatError::Subject(what)),
            Some(Claim::Found(_)) | None => {}
        }
    }

    fn note(&mut self, problem: FormatError) {
        self.problem.get_or_insert(problem);
    }
}

/// Splits a token at its dots, before anything is decoded.
fn parts(bytes: &[u8]) -> Result<[&str; 3], FormatError> {
    if bytes.is_empty() {
        return Err(FormatError::Empty);
    }
    if bytes.len() > SIZE_LIMIT {
        return Err(FormatError::TooLarge { limit: SIZE_LIMIT });
    }
    if bytes.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer ")) {
        return Err(FormatError::Bearer);
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if let Some(at) = bytes.iter().position(|byte| !is_part(*byte)) {
        return Err(match bytes[at] {
            b'=' => FormatError::Padding(at),
            b'+' | b'/' => FormatError::StandardAlphabet(at),
            byte if byte.is_ascii_whitespace() => FormatError::WhiteSpace(at),
            _ => FormatError::Character(at),
        });
    }
    // Every byte was seen to be ASCII.
    let text = std::str::from_utf8(bytes).map_err(|_| FormatError::Character(0))?;
    let count = text.split('.').count();
    let mut all = text.split('.');
    match (all.next(), all.next(), all.next(), all.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(FormatError::Parts(count)),
    }
}

fn decode(part: Part, text: &str) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).map_err(|_| FormatError::Base64(part))?;
    Ok(Zeroizing::new(decoded))
}

fn object(part: Part, text: &str) -> Result<Map<String, Value>, FormatError> {
    let bytes = decode(part, text)?;
    match parse_strict_json(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(FormatError::NotAnObject(part)),
        Err(error) => Err(FormatError::Json(part, error)),
    }
}

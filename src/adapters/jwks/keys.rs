//! A published set of keys, read entry by entry: one bad entry never spoils the others.
//!
//! An entry that cannot verify a token safely is left out with a reason, which is shown when a
//! token names that key. This file decides nothing about tokens.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::error::JwksError;
use super::skipped::SkippedKey;
use super::weak::{weak_ed25519, weak_modulus, weak_p256};
use crate::model::{escape_controls, parse_strict_json, shorten};

/// The largest set that is read, in bytes.
pub(super) const SET_SIZE_LIMIT: usize = 256 * 1024;

/// The most entries of a set that are looked at.
const ENTRY_LIMIT: usize = 100;

/// What a published key must not have: the private exponent or scalar, and RSA's primes and what
/// follows from them (RFC 7518 §6.2.2, §6.3.2).
const PRIVATE_PARTS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The fewest and the most bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The type of a key, and with it the one algorithm it verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with PKCS #1 v1.5 and SHA-256: `RS256`.
    Rsa,
    /// ECDSA on P-256 with SHA-256: `ES256`.
    P256,
    /// Ed25519: `EdDSA`.
    Ed25519,
}

impl KeyKind {
    /// Returns the algorithm as a token's `alg` spells it.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "RS256",
            Self::P256 => "ES256",
            Self::Ed25519 => "EdDSA",
        }
    }
}

/// A public key that can verify tokens.
#[derive(Clone)]
pub struct PublicKey {
    /// Its name in the set.
    pub kid: Option<String>,
    pub kind: KeyKind,
    pub bits: usize,
    material: Material,
    decoding: DecodingKey,
}

/// The numbers a key consists of; two entries with the same ones are one key.
#[derive(Clone, PartialEq, Eq)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Point { x: Vec<u8>, y: Vec<u8> },
    Ed { x: Vec<u8> },
}

/// The keys of a set, and what was left out.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: Vec<SkippedKey>,
}

impl PublicKey {
    /// Returns the key as `jsonwebtoken` takes it.
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.material == other.material
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kid.as_deref().unwrap_or("without kid");
        write!(f, "{} {} bits, {name}", self.kind.algorithm(), self.bits)
    }
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// When it is not a set, is too large, or holds no key that can be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwksError> {
        if bytes.len() > SET_SIZE_LIMIT {
            return Err(JwksError::TooLarge { limit: SET_SIZE_LIMIT });
        }
        let document = parse_strict_json(bytes)
            .map_err(|error| JwksError::NotASet(format!("it is not JSON: {error}")))?;
        let entries = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(|| JwksError::NotASet("it has no list `keys`".to_owned()))?;
        let mut set = Self::default();
        for entry in entries.iter().take(ENTRY_LIMIT) {
            let kid = entry.get("kid").and_then(Value::as_str).map(str::to_owned);
            match read_entry(entry) {
                Ok(key) => set.add(key),
                Err(reason) => set.skipped.push(SkippedKey { kid, reason }),
            }
        }
        if entries.len() > ENTRY_LIMIT {
            let reason = format!("only the first {ENTRY_LIMIT} entries are looked at");
            set.skipped.push(SkippedKey { kid: None, reason });
        }
        if set.keys.is_empty() {
            return Err(JwksError::NoUsableKey { skipped: set.skipped });
        }
        Ok(set)
    }

    /// Returns the keys that can be used.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Returns the entries that were left out.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Returns every key of this name; with more than one, the name decides nothing.
    pub fn named(&self, kid: &str) -> Vec<&PublicKey> {
        self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect()
    }

    /// Returns whether the set has an entry of this name, usable or not.
    pub fn mentions(&self, kid: &str) -> bool {
        let has = |name: &Option<String>| name.as_deref() == Some(kid);
        self.keys.iter().any(|key| has(&key.kid)) || self.skipped.iter().any(|key| has(&key.kid))
    }

    /// Adds a key, unless the set has the same one already.
    fn add(&mut self, key: PublicKey) {
        let is_known = self.keys.iter().any(|other| other.kid == key.kid && other.is_same_as(&key));
        if !is_known {
            self.keys.push(key);
        }
    }
}

/// Reads one entry, or says why it is left out.
fn read_entry(entry: &Value) -> Result<PublicKey, String> {
    let entry = entry.as_object().ok_or("it is no object")?;
    let name = match entry.get("kid") {
        None => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(_) => return Err("its `kid` is no text".to_owned()),
    };
    check_purpose(entry)?;
    let (kind, bits, material, decoding) = match text(entry, "kty")? {
        "RSA" => rsa(entry)?,
        "EC" => p256(entry)?,
        "OKP" => ed25519(entry)?,
        "oct" => return Err("a secret does not belong into a published set".to_owned()),
        other => return Err(format!("key type `{}` is not supported", shown(other))),
    };
    if let Some(algorithm) = entry.get("alg")
        && algorithm.as_str() != Some(kind.algorithm())
    {
        let said = shown(algorithm.as_str().unwrap_or("no text"));
        return Err(format!(
            "it is for `{said}`, and this kind of key is used for {} only",
            kind.algorithm()
        ));
    }
    Ok(PublicKey { kid: name, kind, bits, material, decoding })
}

/// Refuses a key whose `use` or `key_ops` exclude verifying signatures.
fn check_purpose(entry: &Map<String, Value>) -> Result<(), String> {
    if let Some(purpose) = entry.get("use")
        && purpose.as_str() != Some("sig")
    {
        return Err(format!(
            "its use is `{}`, not `sig`",
            shown(purpose.as_str().unwrap_or("no text"))
        ));
    }
    if let Some(operations) = entry.get("key_ops") {
        let verifies = operations
            .as_array()
            .is_some_and(|all| all.iter().any(|operation| operation.as_str() == Some("verify")));
        if !verifies {
            return Err("its `key_ops` do not include `verify`".to_owned());
        }
    }
    let is_secret = entry.get("kty").and_then(Value::as_str) == Some("oct");
    if !is_secret && PRIVATE_PARTS.iter().any(|part| entry.contains_key(*part)) {
        return Err("it gives away the private key".to_owned());
    }
    Ok(())
}

type Parts = (KeyKind, usize, Material, DecodingKey);

fn rsa(entry: &Map<String, Value>) -> Result<Parts, String> {
    let (n, e) = (unsigned(entry, "n")?, unsigned(entry, "e")?);
    let bits = bit_length(&n);
    if !RSA_BITS.contains(&bits) {
        return Err(format!(
            "RSA with {bits} bits; {} to {} are accepted",
            RSA_BITS.start(),
            RSA_BITS.end()
        ));
    }
    // An even exponent is none, 1 leaves every signature as it is, and huge ones only cost time.
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !is_odd(&e) || bit_length(&e) < 2 || bit_length(&e) > 33 || !is_odd(&n) {
        return Err("its RSA numbers are not those of a key".to_owned());
    }
    if let Some(weakness) = weak_modulus(&n) {
        return Err(weakness);
    }
    let decoding = DecodingKey::from_rsa_raw_components(&n, &e);
    Ok((KeyKind::Rsa, bits, Material::Rsa { n, e }, decoding))
}

fn p256(entry: &Map<String, Value>) -> Result<Parts, String> {
    let curve = text(entry, "crv")?;
    if curve != "P-256" {
        return Err(format!("curve `{}`; only P-256 is accepted", shown(curve)));
    }
    let (x, y) = (exactly(entry, "x", 32)?, exactly(entry, "y", 32)?);
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    if ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).is_err() {
        return Err("its point is not on the curve P-256".to_owned());
    }
    if let Some(weakness) = weak_p256(&x) {
        return Err(weakness);
    }
    let decoding = DecodingKey::from_ec_der(&point);
    Ok((KeyKind::P256, 256, Material::Point { x, y }, decoding))
}

fn ed25519(entry: &Map<String, Value>) -> Result<Parts, String> {
    let curve = text(entry, "crv")?;
    if curve != "Ed25519" {
        return Err(format!("curve `{}`; only Ed25519 is accepted", shown(curve)));
    }
    let x = exactly(entry, "x", 32)?;
    if let Some(weakness) = weak_ed25519(&x) {
        return Err(weakness);
    }
    if ParsedPublicKey::new(&ED25519, &x).is_err() {
        return Err("its point is not on the curve Ed25519".to_owned());
    }
    let decoding = DecodingKey::from_ed_der(&x);
    Ok((KeyKind::Ed25519, 256, Material::Ed { x }, decoding))
}

fn text<'a>(entry: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    entry.get(name).and_then(Value::as_str).ok_or_else(|| format!("it has no text `{name}`"))
}

fn bytes(entry: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let decoded = URL_SAFE_NO_PAD.decode(text(entry, name)?);
    decoded.map_err(|_| format!("its `{name}` is not base64url"))
}

fn exactly(entry: &Map<String, Value>, name: &str, length: usize) -> Result<Vec<u8>, String> {
    let value = bytes(entry, name)?;
    if value.len() == length {
        Ok(value)
    } else {
        Err(format!("its `{name}` has {} bytes, not {length}", value.len()))
    }
}

/// Returns a number in big-endian order without zeros at its front, which some servers add.
fn unsigned(entry: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let value = bytes(entry, name)?;
    let zeros = value.iter().take_while(|byte| **byte == 0).count();
    Ok(value[zeros..].to_vec())
}

fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn shown(text: &str) -> String {
    shorten(&escape_controls(text), 40)
}

//! token × keys × rules × now → verdict: a plain function, and the only way to `Claims`.
//!
//! The library is called for the signature alone; what it would accept in a header or a claim, and
//! should not, our own rules refuse. Sessions are judged elsewhere.

use jsonwebtoken::DecodingKey;
use time::OffsetDateTime;

use super::check::{Check, CheckName, CheckResult, Finding};
use super::claims::{Claims, UnverifiedClaims, shown};
use super::header::{Algorithm, Header};
use super::read::Token;
use super::rules::{self, Rules};
use super::secret::SharedSecret;
use crate::adapters::jwks::{KeyKind, KeySet, PublicKey};
use crate::model::ErrorKind;

/// What a token is verified with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keys<'a> {
    /// The published keys.
    pub set: Option<&'a KeySet>,
    /// The secret for HS256, if the operator gave one.
    pub secret: Option<&'a SharedSecret>,
    /// Why there is no set, or why a name that it lacks may yet be in a newer one.
    pub doubt: Option<&'a Obstacle>,
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub kind: ErrorKind,
    /// As it reads after "failed to".
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every rule holds.
    Valid,
    /// At least one rule is broken.
    Rejected,
    /// None is broken, but not all could be checked: not valid.
    Undecided,
}

impl Outcome {
    /// Returns the word that JSON carries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// Every check's result, and the claims when all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    checks: Vec<Check>,
    claims: Option<Claims>,
    obstacle: Option<Obstacle>,
}

impl Verdict {
    /// Returns the checks, in order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns one check.
    pub fn check(&self, name: CheckName) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Returns the checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.result == CheckResult::Fail)
    }

    /// Returns why there is no verdict.
    pub fn obstacle(&self) -> Option<&Obstacle> {
        self.obstacle.as_ref()
    }

    /// Returns the claims, once every rule holds.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref().filter(|_| self.outcome() == Outcome::Valid)
    }

    pub fn outcome(&self) -> Outcome {
        let is_signed =
            self.check(CheckName::Signature).is_some_and(|c| c.result == CheckResult::Pass);
        if self.failures().next().is_some() {
            Outcome::Rejected
        } else if self.obstacle.is_some() || !is_signed || self.claims.is_none() {
            Outcome::Undecided
        } else {
            Outcome::Valid
        }
    }

    /// Sets the result of a check that the control plane decides.
    pub(super) fn set(&mut self, name: CheckName, finding: Finding) {
        if let Some(check) = self.checks.iter_mut().find(|check| check.name == name) {
            *check = finding.named(name);
        }
    }

    /// Leaves the verdict open, unless the token is refused; the first obstacle is kept.
    pub(super) fn doubt(&mut self, obstacle: Obstacle) {
        self.obstacle.get_or_insert(obstacle);
    }
}

/// Judges a token. Every rule that can be checked is checked, also after another one failed. The
/// session is not asked for.
pub fn verify(token: &Token, keys: &Keys<'_>, rules: &Rules, now: OffsetDateTime) -> Verdict {
    let mut obstacle = None;
    let algorithm = token.header().map(|header| header.algorithm(keys.secret.is_some()));
    let selected = match (token.header(), &algorithm) {
        (Some(header), Some(Ok(algorithm))) => Some(select(header, *algorithm, keys)),
        _ => None,
    };
    if let Some(Selection::Open(found)) = &selected {
        obstacle = Some((*found).clone());
    }
    let checks = vec![
        format(token).named(CheckName::Format),
        algorithm_finding(algorithm.as_ref()).named(CheckName::Algorithm),
        key(token.header(), selected.as_ref()).named(CheckName::Key),
        signature(token, selected.as_ref()).named(CheckName::Signature),
        on_claims(token, |claims| rules::issuer(claims, rules)).named(CheckName::Issuer),
        on_claims(token, |claims| rules::audience(claims, rules)).named(CheckName::Audience),
        on_claims(token, |claims| rules::expiry(claims, rules, now)).named(CheckName::Expiry),
        on_claims(token, |claims| rules::not_before(claims, rules, now))
            .named(CheckName::NotBefore),
        on_claims(token, |claims| rules::issued_at(claims, rules, now)).named(CheckName::IssuedAt),
        on_claims(token, |claims| rules::tenant(claims, rules)).named(CheckName::Tenant),
        Finding::skipped("the session was not asked for").named(CheckName::Session),
    ];
    let is_sound = checks.iter().all(|check| check.result != CheckResult::Fail);
    let claims = token.claims().filter(|_| is_sound).and_then(UnverifiedClaims::as_verified);
    Verdict { checks, claims, obstacle }
}

/// The key a token is to be checked with.
enum Selection<'a> {
    /// A published key.
    Public(&'a PublicKey),
    /// The operator's secret.
    Secret(&'a SharedSecret),
    /// None, which fails the token.
    Refused(String),
    /// None, for a reason that does not fail the token.
    Open(Obstacle),
}

impl Selection<'_> {
    fn parts(&self) -> Option<(&DecodingKey, jsonwebtoken::Algorithm, Option<usize>)> {
        match self {
            Self::Public(key) => {
                let (algorithm, size) = match key.kind {
                    KeyKind::Rsa => (jsonwebtoken::Algorithm::RS256, key.bits.div_ceil(8)),
                    KeyKind::P256 => (jsonwebtoken::Algorithm::ES256, 64),
                    KeyKind::Ed25519 => (jsonwebtoken::Algorithm::EdDSA, 64),
                };
                Some((key.decoding(), algorithm, Some(size)))
            }
            Self::Secret(secret) => {
                Some((secret.decoding(), jsonwebtoken::Algorithm::HS256, Some(32)))
            }
            Self::Refused(_) | Self::Open(_) => None,
        }
    }
}

fn select<'a>(header: &Header, algorithm: Algorithm, keys: &Keys<'a>) -> Selection<'a> {
    let kind = match algorithm {
        Algorithm::Rs256 => KeyKind::Rsa,
        Algorithm::Es256 => KeyKind::P256,
        Algorithm::EdDsa => KeyKind::Ed25519,
        // The kind of key follows from the algorithm, so a published key never meets HS256.
        Algorithm::Hs256 => {
            return keys.secret.map_or_else(
                || Selection::Refused("no secret was given".to_owned()),
                Selection::Secret,
            );
        }
    };
    let key_id = match header.kid() {
        Ok(key_id) => key_id,
        Err(what) => return Selection::Refused(format!("found {what} as `kid`; expected a text")),
    };
    let Some(set) = keys.set else {
        return Selection::Open(keys.doubt.cloned().unwrap_or_else(|| Obstacle {
            kind: ErrorKind::Usage,
            message: "verify the signature: there is no set of keys".to_owned(),
            hint: Some("pass --jwks FILE|URL, or set TENANTCTL_AUTH_URL".to_owned()),
        }));
    };
    match key_id {
        Some(key_id) => by_name(set, key_id, kind, keys.doubt),
        None => by_kind(set, kind),
    }
}

fn by_name<'a>(
    set: &'a KeySet,
    key_id: &str,
    kind: KeyKind,
    doubt: Option<&Obstacle>,
) -> Selection<'a> {
    let name = name(key_id);
    match set.named(key_id).as_slice() {
        [key] if key.kind == kind => Selection::Public(key),
        [key] => Selection::Refused(format!(
            "key {name} verifies {}; the token says {}",
            key.kind.algorithm(),
            kind.algorithm()
        )),
        [] => match set.skipped().iter().find(|skipped| skipped.kid.as_deref() == Some(key_id)) {
            Some(skipped) => {
                Selection::Refused(format!("key {name} cannot be used: {}", skipped.reason))
            }
            None => match doubt {
                Some(obstacle) => Selection::Open(obstacle.clone()),
                None => Selection::Refused(format!(
                    "found no key {name}; expected one of {}",
                    names(set)
                )),
            },
        },
        several => Selection::Refused(format!(
            "{} different keys are called {name}, so the name says nothing",
            several.len()
        )),
    }
}

/// A token that names no key is accepted only where there is no choice.
fn by_kind(set: &KeySet, kind: KeyKind) -> Selection<'_> {
    let fitting: Vec<_> = set.keys().iter().filter(|key| key.kind == kind).collect();
    match fitting.as_slice() {
        [key] => Selection::Public(key),
        [] => Selection::Refused(format!(
            "the token names no key, and none of {} verifies {}",
            names(set),
            kind.algorithm()
        )),
        several => Selection::Refused(format!(
            "the token names no key, and {} of them verify {}",
            several.len(),
            kind.algorithm()
        )),
    }
}

fn format(token: &Token) -> Finding {
    match token.problem() {
        Some(problem) => Finding::fail(problem.to_string()),
        None => Finding::pass(format!("3 parts, {} bytes", token.size())),
    }
}

fn algorithm_finding(algorithm: Option<&Result<Algorithm, String>>) -> Finding {
    match algorithm {
        None => Finding::skipped("the header cannot be read"),
        Some(Ok(algorithm)) => Finding::pass(algorithm.word()),
        Some(Err(reason)) => Finding::fail(reason),
    }
}

fn key(header: Option<&Header>, selected: Option<&Selection<'_>>) -> Finding {
    let ignored = header.map(Header::ignored).unwrap_or_default();
    let remark = if ignored.is_empty() {
        String::new()
    } else {
        format!("; `{}` in the header is ignored", ignored.join("`, `"))
    };
    match selected {
        None => Finding::skipped(format!("no algorithm to find a key for{remark}")),
        Some(Selection::Public(key)) => {
            let kid = key.kid.as_deref().map_or("without a name".to_owned(), name);
            Finding::pass(format!("{kid}, {} with {} bits{remark}", key.kind.algorithm(), key.bits))
        }
        Some(Selection::Secret(_)) => Finding::pass(format!("the secret that was given{remark}")),
        Some(Selection::Refused(reason)) => Finding::fail(format!("{reason}{remark}")),
        Some(Selection::Open(obstacle)) => {
            Finding::skipped(format!("cannot {}{remark}", obstacle.message))
        }
    }
}

/// Checks the signature alone: these bytes were signed by this key or they were not, whatever the
/// payload is.
fn signature(token: &Token, selected: Option<&Selection<'_>>) -> Finding {
    let Some((key, algorithm, size)) = selected.and_then(Selection::parts) else {
        return Finding::skipped("there is no key to check it with");
    };
    let Some(signed) = token.signed() else {
        return Finding::fail("it cannot be read");
    };
    if signed.signature_bytes == 0 {
        return Finding::fail("it is empty: the token is not signed");
    }
    if let Some(size) = size
        && signed.signature_bytes != size
    {
        return Finding::fail(format!("found {} bytes; expected {size}", signed.signature_bytes));
    }
    match jsonwebtoken::crypto::verify(&signed.signature, &signed.input, key, algorithm) {
        Ok(true) => Finding::pass("made by this key"),
        Ok(false) | Err(_) => {
            Finding::fail("not made by this key: the token was altered, or signed by another")
        }
    }
}

fn on_claims(token: &Token, rule: impl Fn(&UnverifiedClaims) -> Finding) -> Finding {
    match token.claims() {
        Some(claims) => rule(claims),
        None => Finding::skipped("the payload holds no claims"),
    }
}

/// Returns up to five names of the set's keys.
fn names(set: &KeySet) -> String {
    let mut names: Vec<_> = set
        .keys()
        .iter()
        .take(5)
        .map(|key| key.kid.as_deref().map_or("one without a name".to_owned(), name))
        .collect();
    if set.keys().len() > 5 {
        names.push("…".to_owned());
    }
    names.join(", ")
}

fn name(kid: &str) -> String {
    let shown = shown(&serde_json::Value::from(kid));
    shown.strip_prefix("the text ").unwrap_or(&shown).to_owned()
}

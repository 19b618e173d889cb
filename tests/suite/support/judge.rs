//! Tokens and keys as plain values, and what the rules say of them.

use std::time::Duration;

use serde_json::Value;
use tenantctl::testkit::token::{
    CheckName, CheckResult, KeySet, Keys, Outcome, Rules, Token, Verdict, verify,
};
use time::OffsetDateTime;

use super::mint::{ISSUER, Signer, claims, published};

pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) const TENANT: &str = "cccccccc-0000-4000-8000-000000000003";

/// format, algorithm, key, signature, issuer, audience, expiry, `not_before`, `issued_at`, tenant,
/// session: P for pass, F for fail, s for skipped.
pub(crate) const GOOD: &str = "PPPPPPPsPPs";

/// Every check, in the order of a verdict.
const ORDER: [CheckName; 11] = [
    CheckName::Format,
    CheckName::Algorithm,
    CheckName::Key,
    CheckName::Signature,
    CheckName::Issuer,
    CheckName::Audience,
    CheckName::Expiry,
    CheckName::NotBefore,
    CheckName::IssuedAt,
    CheckName::Tenant,
    CheckName::Session,
];

pub(crate) struct Bench {
    pub(crate) es: Signer,
    pub(crate) rs: Signer,
    pub(crate) ed: Signer,
    pub(crate) set: KeySet,
}

pub(crate) fn bench() -> Bench {
    let (es, rs, ed) = (Signer::es256("es"), Signer::rs256("rs"), Signer::eddsa("ed"));
    let set = set(&[es.jwk(), rs.jwk(), ed.jwk()]);
    Bench { es, rs, ed, set }
}

pub(crate) fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(published(keys).as_bytes()).unwrap()
}

/// Returns rules that expect nothing in particular: no leeway, a life of a day at most.
pub(crate) fn strict() -> Rules {
    Rules {
        issuer: None,
        audience: None,
        tenant: None,
        leeway: Duration::ZERO,
        longest_life: Duration::from_hours(24),
    }
}

pub(crate) fn rules() -> Rules {
    Rules {
        issuer: Some(ISSUER.to_owned()),
        audience: Some("authenticated".to_owned()),
        tenant: Some(TENANT.parse().unwrap()),
        ..strict()
    }
}

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

pub(crate) fn judge(token: impl AsRef<[u8]>, set: &KeySet) -> Verdict {
    judge_by(token, set, &rules())
}

pub(crate) fn judge_by(token: impl AsRef<[u8]>, set: &KeySet, rules: &Rules) -> Verdict {
    let keys = Keys { set: Some(set), ..Keys::default() };
    verify(&Token::read(token.as_ref()), &keys, rules, at(NOW))
}

/// Returns the verdict's checks as one letter each.
pub(crate) fn letters(verdict: &Verdict) -> String {
    let checks = verdict.checks();
    assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), ORDER);
    let letter = |result| match result {
        CheckResult::Pass => 'P',
        CheckResult::Fail => 'F',
        CheckResult::Skipped => 's',
    };
    checks.iter().map(|check| letter(check.result)).collect()
}

/// Expects these results, and these words in the first failing check.
#[track_caller]
pub(crate) fn expect(name: &str, verdict: &Verdict, results: &str, words: &str) {
    let details: Vec<_> = verdict
        .checks()
        .iter()
        .map(|check| format!("{}: {}", check.name.word(), check.detail))
        .collect();
    let shown = details.join("\n");
    assert_eq!(letters(verdict), results, "{name}\n{shown}");
    let is_refused = results.contains('F');
    assert_eq!(verdict.outcome() == Outcome::Rejected, is_refused, "{name}\n{shown}");
    assert_eq!(verdict.claims().is_some(), results == GOOD, "{name}\n{shown}");
    if let Some(failure) = verdict.failures().next() {
        assert!(failure.detail.contains(words), "{name}: expected `{words}`\n{shown}");
    }
}

pub(crate) fn changed(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims(NOW);
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
            value => claims[*name] = value.clone(),
        }
    }
    claims
}

/// Keys for the properties, made once.
pub(crate) fn shared() -> &'static Bench {
    static BENCH: std::sync::OnceLock<Bench> = std::sync::OnceLock::new();
    BENCH.get_or_init(bench)
}

//! The rules about claims, each a plain function: claims × expectation × now → finding.

use std::time::Duration;

use time::OffsetDateTime;

use super::check::Finding;
use super::claims::{Claim, Instant, UnverifiedClaims, shown};
use crate::model::{TenantId, instant};

/// How far ahead of now a token's `iat` may be at most, in seconds, whatever the leeway: as in the
/// control plane and in every tenant's gate (`is_ahead`, `access_allowed`). A token from further
/// ahead would outlive every revocation.
const MOST_AHEAD: i64 = 60;

/// What is expected of a token's claims.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `iss`, compared exactly.
    pub issuer: Option<String>,
    /// A member of `aud`, compared exactly.
    pub audience: Option<String>,
    /// The tenant it must belong to.
    pub tenant: Option<TenantId>,
    /// How far clocks may be apart, in whole seconds.
    pub leeway: Duration,
    /// The longest a token may live from `iat` to `exp`.
    pub longest_life: Duration,
}

impl Rules {
    fn leeway_seconds(&self) -> i64 {
        whole_seconds(self.leeway)
    }
}

pub(super) fn issuer(claims: &UnverifiedClaims, rules: &Rules) -> Finding {
    let found = match claims.text("iss") {
        Claim::Missing => return Finding::fail("the token has no `iss`; it is required"),
        Claim::Wrong(what) => return Finding::fail(format!("found {what}; expected a text")),
        Claim::Found(found) => found,
    };
    exactly(&found, rules.issuer.as_deref(), "no issuer is configured")
}

pub(super) fn audience(claims: &UnverifiedClaims, rules: &Rules) -> Finding {
    let found = match claims.audience() {
        Claim::Missing => return Finding::fail("the token has no `aud`; it is required"),
        Claim::Wrong(what) => {
            return Finding::fail(format!("found {what}; expected a text or a list of texts"));
        }
        Claim::Found(found) => found,
    };
    match (found.as_slice(), &rules.audience) {
        ([one], expected) => exactly(one, expected.as_deref(), "no audience is configured"),
        (several, None) => Finding::skipped(format!(
            "found a list of {}; no audience is configured to compare with",
            several.len()
        )),
        (several, Some(expected)) => Finding::fail(format!(
            "found a list of {}; expected {} alone",
            several.len(),
            text(expected)
        )),
    }
}

pub(super) fn expiry(claims: &UnverifiedClaims, rules: &Rules, now: OffsetDateTime) -> Finding {
    let expires = match required("exp", claims) {
        Ok(expires) => expires,
        Err(finding) => return finding,
    };
    let leeway = rules.leeway_seconds();
    let late = now.unix_timestamp() - expires.seconds();
    if late >= leeway {
        let apart =
            if leeway > 0 { format!(", {leeway} s of leeway included") } else { String::new() };
        return Finding::fail(format!(
            "found {}; expected a time after {}{apart}: it expired {} ago",
            date(expires),
            instant(now),
            span(late)
        ));
    }
    if let Claim::Found(issued) = claims.instant("iat") {
        let life = expires.seconds() - issued.seconds();
        let longest = whole_seconds(rules.longest_life);
        if life > longest {
            return Finding::fail(format!(
                "found a life of {}; expected at most {}",
                span(life),
                span(longest)
            ));
        }
    }
    Finding::pass(if late < 0 {
        format!("{}, in {}", date(expires), span(-late))
    } else {
        format!("{}, {} ago, within {leeway} s of leeway", date(expires), span(late))
    })
}

pub(super) fn not_before(claims: &UnverifiedClaims, rules: &Rules, now: OffsetDateTime) -> Finding {
    let begins = match claims.instant("nbf") {
        Claim::Missing => return Finding::skipped("the token has no `nbf`; none is required"),
        Claim::Wrong(what) => return Finding::fail(no_instant(&what)),
        Claim::Found(begins) => begins,
    };
    let early = begins.seconds() - now.unix_timestamp();
    if early > rules.leeway_seconds() {
        return Finding::fail(format!(
            "found {}; expected a time no later than {}: it begins in {}",
            date(begins),
            instant(now),
            span(early)
        ));
    }
    Finding::pass(date(begins))
}

pub(super) fn issued_at(claims: &UnverifiedClaims, rules: &Rules, now: OffsetDateTime) -> Finding {
    let issued = match required("iat", claims) {
        Ok(issued) => issued,
        Err(finding) => return finding,
    };
    let early = issued.seconds() - now.unix_timestamp();
    if early > rules.leeway_seconds().min(MOST_AHEAD) {
        return Finding::fail(format!(
            "found {}; expected a time no later than {}: it was issued {} in the future",
            date(issued),
            instant(now),
            span(early)
        ));
    }
    if let Claim::Found(expires) = claims.instant("exp")
        && expires < issued
    {
        return Finding::fail(format!("found {}, which is after its own expiry", date(issued)));
    }
    Finding::pass(format!("{}, {} ago", date(issued), span(early.saturating_neg().max(0))))
}

pub(super) fn tenant(claims: &UnverifiedClaims, rules: &Rules) -> Finding {
    match (claims.tenant(), rules.tenant) {
        (Claim::Wrong(what), _) => {
            Finding::fail(format!("found {what}; expected `app_metadata.tenant_id` to be a UUID"))
        }
        (Claim::Missing, None) => {
            Finding::skipped("the token names no tenant, and none was asked for")
        }
        (Claim::Missing, Some(expected)) => Finding::fail(format!(
            "the token has no `app_metadata.tenant_id`; expected `{expected}`"
        )),
        (Claim::Found(found), None) => {
            Finding::skipped(format!("found `{found}`; no tenant was given to compare with"))
        }
        (Claim::Found(found), Some(expected)) if found == expected => {
            Finding::pass(format!("`{found}`"))
        }
        (Claim::Found(found), Some(expected)) => {
            Finding::fail(format!("found `{found}`; expected `{expected}`"))
        }
    }
}

fn exactly(found: &str, expected: Option<&str>, nothing: &str) -> Finding {
    match expected {
        None => Finding::skipped(format!("found {}; {nothing} to compare with", text(found))),
        Some(expected) if found == expected => Finding::pass(text(found)),
        Some(expected) => {
            Finding::fail(format!("found {}; expected {}", text(found), text(expected)))
        }
    }
}

fn required(name: &str, claims: &UnverifiedClaims) -> Result<Instant, Finding> {
    match claims.instant(name) {
        Claim::Missing => Err(Finding::fail(format!("the token has no `{name}`; it is required"))),
        Claim::Wrong(what) => Err(Finding::fail(no_instant(&what))),
        Claim::Found(instant) => Ok(instant),
    }
}

fn no_instant(what: &str) -> String {
    format!("found {what}; expected whole seconds since 1970")
}

fn text(value: &str) -> String {
    let shown = shown(&serde_json::Value::from(value));
    shown.strip_prefix("the text ").unwrap_or(&shown).to_owned()
}

fn date(at: Instant) -> String {
    instant(at.date())
}

/// Returns a length of time with its two largest units.
pub(super) fn span(seconds: i64) -> String {
    let duration = Duration::from_secs(seconds.unsigned_abs());
    let text = humantime::format_duration(duration).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

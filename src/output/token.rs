//! Verdicts on tokens, as people and programs read them; never a token itself.

use serde_json::{Value, json};

use super::json::{Part, json_pretty};
use super::jwks::{origin, origin_text};
use super::line::{Line, bad, dim, good, heading, hint};
use super::text::{Facts, Text};
use super::view::View;
use crate::model::{instant, instant_ms};
use crate::services::token::{
    Check, CheckName, CheckResult, Claims, Examination, Outcome, Token, UnverifiedClaims,
};

/// Renders the verdict: what the token says when it is valid, else every reason why it is not.
pub(crate) fn render_verdict(examination: &Examination) -> View {
    let verdict = &examination.verdict;
    let mut text = Text::from(headline(verdict.outcome()));
    if let Some(claims) = verdict.claims() {
        text = text.and(claims_text(claims, verdict.check(CheckName::Session)));
    }
    let failures: Vec<_> = verdict.failures().collect();
    let text = failures.iter().fold(text, |text, check| check_text(text, check));
    let reasons = failures.iter().map(|check| check_json(check));
    let view = View::item("outcome", json!(verdict.outcome().word()), text)
        .of_type("token")
        .with("reasons", reasons.collect())
        .with("claims", verdict.claims().map_or(Value::Null, claims_json));
    with_origin(view, examination)
}

pub(crate) fn render_explanation(examination: &Examination) -> View {
    let verdict = &examination.verdict;
    let text = Text::from(headline(verdict.outcome()));
    let mut text = verdict.checks().iter().fold(text, check_text);
    if let Some(keys) = &examination.keys {
        text = text.blank().line(dim("keys").and(format_args!(" {}", origin_text(keys))));
    }
    let mut view = View::item("outcome", json!(verdict.outcome().word()), text)
        .of_type("token")
        .with("checks", verdict.checks().iter().map(check_json).collect());
    if let Some(what) = verdict.obstacle().and_then(|obstacle| obstacle.hint.as_deref()) {
        view = view.note(hint(what));
    }
    with_origin(view, examination)
}

/// Renders what a token says, marked as unverified.
pub(crate) fn render_decoded(token: &Token) -> View {
    let header = token.header().map(|header| Value::Object(header.parameters().clone()));
    let claims = token.claims().map(|claims| Value::Object(claims.all().clone()));
    let mut text = Text::from(bad("unverified: anybody can write this"));
    for (title, value) in [("header", &header), ("claims", &claims)] {
        text = text.line(heading(title));
        text = match value {
            None => text.line("cannot be read"),
            Some(value) => json_pretty(&Part::Value(value)).lines().fold(text, Text::line),
        };
    }
    let dates = token.claims().map(dates).unwrap_or_default();
    if !dates.is_empty() {
        let facts = dates.into_iter().fold(Facts::new(), |facts, (name, at)| facts.fact(name, at));
        text = text.line(heading("dates")).and(facts);
    }
    let problem = token.problem().map(ToString::to_string);
    if let Some(problem) = &problem {
        text = text.line(bad("format").and(format_args!(" {problem}")));
    }
    let value = json!({
        "verified": false,
        "header": header,
        "claims": claims,
        "problem": problem,
    });
    View::item("token", value, text)
}

fn with_origin(mut view: View, examination: &Examination) -> View {
    let key = examination.verdict.check(CheckName::Key);
    if let Some(until) = examination.keys.as_ref().and_then(|keys| keys.rests_until)
        && key.is_some_and(|key| key.result == CheckResult::Fail)
    {
        view = view.note(hint(format_args!(
            "the endpoint was asked for an unknown key just now, and will not be again before {}",
            instant(until)
        )));
    }
    view.with("judged_at", json!(instant_ms(examination.judged_at)))
        .with("jwks", examination.keys.as_ref().map_or(Value::Null, origin))
}

fn headline(outcome: Outcome) -> Line {
    match outcome {
        Outcome::Valid => good(outcome.word()),
        Outcome::Rejected => bad(outcome.word()),
        Outcome::Undecided => bad("undecided: not every check could be made"),
    }
}

fn check_text(text: Text, check: &Check) -> Text {
    let (mark, word) = match check.result {
        CheckResult::Pass => (good("✓"), "pass"),
        CheckResult::Fail => (bad("✗"), "FAIL"),
        CheckResult::Skipped => (dim("–"), "skipped"),
    };
    let lead = mark.and(format_args!(" {:<10}  {word:<7}  ", check.name.word()));
    text.hanging(lead, &check.detail)
}

fn check_json(check: &Check) -> Value {
    json!({
        "name": check.name.word(),
        "outcome": check.result.word(),
        "detail": check.detail,
    })
}

fn claims_text(claims: &Claims, session: Option<&Check>) -> Facts {
    let session = session.map(|check| match (&claims.session, check.result) {
        (Some(jti), CheckResult::Skipped) => format!("{jti} ({})", check.detail),
        (_, _) => check.detail.clone(),
    });
    Facts::new()
        .fact("subject", &claims.subject)
        .some("tenant", claims.tenant_id)
        .some("session", session)
        .fact("issuer", &claims.issuer)
        .fact("audience", claims.audience.join(", "))
        .some("role", claims.role.as_ref())
        .fact("issued", instant(claims.issued_at.date()))
        .fact("expires", instant(claims.expires_at.date()))
}

fn claims_json(claims: &Claims) -> Value {
    json!({
        "subject": claims.subject,
        "issuer": claims.issuer,
        "audience": claims.audience,
        "tenant_id": claims.tenant_id.map(|id| id.to_string()),
        "session": claims.session.as_ref().map(crate::model::Jti::as_str),
        "role": claims.role,
        "issued_at": instant_ms(claims.issued_at.date()),
        "expires_at": instant_ms(claims.expires_at.date()),
    })
}

/// Returns the dates of an unverified token, where they are dates.
fn dates(claims: &UnverifiedClaims) -> Vec<(&'static str, String)> {
    ["iat", "nbf", "exp"]
        .into_iter()
        .filter_map(|name| Some((name, instant(claims.date(name)?))))
        .collect()
}

//! Verdicts on tokens, as people and programs read them; never a token itself.

use serde_json::{Value, json};

use super::console::Console;
use super::json::json_text;
use super::jwks::{origin, origin_text};
use super::table;
use super::view::View;
use super::words::instant;
use crate::model::escape_controls;
use crate::services::token::{
    Check, CheckName, CheckResult, Claims, Examination, Outcome, Token, UnverifiedClaims,
};

/// Where the detail of a check begins, in columns.
const DETAIL_COLUMN: usize = 23;

/// Renders the verdict: what the token says when it is valid, else every reason why it is not.
pub fn render_verdict(console: &Console, examination: &Examination) -> View {
    let verdict = &examination.verdict;
    let mut lines = vec![headline(console, verdict.outcome())];
    if let Some(claims) = verdict.claims() {
        lines.push(claims_text(console, claims, verdict.check(CheckName::Session)));
    }
    let failures: Vec<_> = verdict.failures().collect();
    lines.extend(checks_text(console, &failures));
    let view = View::item("verdict", json!(verdict.outcome().word()), lines.join("\n"))
        .with("reasons", json!(failures.iter().copied().map(check_json).collect::<Vec<_>>()))
        .with("claims", verdict.claims().map_or(Value::Null, claims_json));
    with_origin(console, view, examination)
}

/// Renders every check.
pub fn render_explanation(console: &Console, examination: &Examination) -> View {
    let verdict = &examination.verdict;
    let checks: Vec<_> = verdict.checks().iter().collect();
    let mut lines = vec![headline(console, verdict.outcome())];
    lines.extend(checks_text(console, &checks));
    if let Some(keys) = &examination.keys {
        lines.push(format!("\n{} {}", console.dim("keys"), origin_text(keys)));
    }
    let values: Vec<_> = checks.into_iter().map(check_json).collect();
    let mut view = View::item("verdict", json!(verdict.outcome().word()), lines.join("\n"))
        .with("checks", json!(values));
    if let Some(hint) = verdict.obstacle().and_then(|obstacle| obstacle.hint.as_deref()) {
        view = view.note(format!("{} {hint}", console.good("hint:")));
    }
    with_origin(console, view, examination)
}

/// Renders what a token says, marked as what it is.
pub fn render_decoded(console: &Console, token: &Token) -> View {
    let header = token.header().map(|header| Value::Object(header.parameters().clone()));
    let claims = token.claims().map(|claims| Value::Object(claims.all().clone()));
    let mut lines = vec![console.bad("unverified: anybody can write this")];
    for (title, value) in [("header", &header), ("claims", &claims)] {
        lines.push(console.heading(title));
        lines.push(
            value.as_ref().map_or("cannot be read".to_owned(), |value| json_text(value, true)),
        );
    }
    let dates = token.claims().map(dates).unwrap_or_default();
    if !dates.is_empty() {
        lines.push(console.heading("dates"));
        let facts: Vec<_> = dates.iter().map(|(name, at)| (*name, Some(at.clone()))).collect();
        lines.push(table::facts(console, &facts));
    }
    let problem = token.problem().map(ToString::to_string);
    if let Some(problem) = &problem {
        lines.push(format!("{} {problem}", console.bad("format")));
    }
    let value = json!({
        "verified": false,
        "header": header,
        "claims": claims,
        "problem": problem,
    });
    View::item("token", value, lines.join("\n"))
}

fn with_origin(console: &Console, mut view: View, examination: &Examination) -> View {
    let key = examination.verdict.check(CheckName::Key);
    if let Some(until) = examination.keys.as_ref().and_then(|keys| keys.rests_until)
        && key.is_some_and(|key| key.result == CheckResult::Fail)
    {
        view = view.note(format!(
            "{} the endpoint was asked for an unknown key just now, and will not be again before {}",
            console.good("hint:"),
            instant(until)
        ));
    }
    view.with("judged_at", json!(instant(examination.judged_at)))
        .with("jwks", examination.keys.as_ref().map_or(Value::Null, origin))
}

fn headline(console: &Console, outcome: Outcome) -> String {
    match outcome {
        Outcome::Valid => console.good(outcome.word()),
        Outcome::Rejected => console.bad(outcome.word()),
        Outcome::Undecided => console.bad("undecided: not every check could be made"),
    }
}

fn checks_text(console: &Console, checks: &[&Check]) -> Vec<String> {
    let line = |check: &&Check| {
        let (mark, word) = match check.result {
            CheckResult::Pass => (console.good("✓"), "pass"),
            CheckResult::Fail => (console.bad("✗"), "FAIL"),
            CheckResult::Skipped => (console.dim("–"), "skipped"),
        };
        let detail = table::hanging(console, &escape_controls(&check.detail), DETAIL_COLUMN);
        format!("{mark} {:<10}  {word:<7}  {detail}", check.name.word())
    };
    checks.iter().map(line).collect()
}

fn check_json(check: &Check) -> Value {
    json!({
        "name": check.name.word(),
        "result": check.result.word(),
        "detail": check.detail,
    })
}

fn claims_text(console: &Console, claims: &Claims, session: Option<&Check>) -> String {
    let session = session.map(|check| match (&claims.session, check.result) {
        (Some(jti), CheckResult::Skipped) => format!("{jti} ({})", check.detail),
        (_, _) => check.detail.clone(),
    });
    table::facts(
        console,
        &[
            ("subject", Some(claims.subject.clone())),
            ("tenant", claims.tenant_id.map(|id| id.to_string())),
            ("session", session),
            ("issuer", Some(claims.issuer.clone())),
            ("audience", Some(claims.audience.join(", "))),
            ("role", claims.role.clone()),
            ("issued", Some(instant(claims.issued_at.date()))),
            ("expires", Some(instant(claims.expires_at.date()))),
        ],
    )
}

fn claims_json(claims: &Claims) -> Value {
    json!({
        "subject": claims.subject,
        "issuer": claims.issuer,
        "audience": claims.audience,
        "tenant_id": claims.tenant_id.map(|id| id.to_string()),
        "session": claims.session.as_ref().map(crate::model::Jti::as_str),
        "role": claims.role,
        "issued_at": instant(claims.issued_at.date()),
        "expires_at": instant(claims.expires_at.date()),
    })
}

/// Returns the dates of an unverified token, where they are dates.
fn dates(claims: &UnverifiedClaims) -> Vec<(&'static str, String)> {
    ["iat", "nbf", "exp"]
        .into_iter()
        .filter_map(|name| Some((name, instant(claims.date(name)?))))
        .collect()
}

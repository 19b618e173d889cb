//! What can be reached, as people and monitors read it.

use serde_json::{Value, json};

use super::line::{Line, bad, behind, dim, good, hint, warning};
use super::text::{Table, Text};
use super::view::View;
use super::words::{count, millis, shown};
use crate::services::health::{Advice, Check, CheckOutcome, FleetFacts, HealthReport};

/// Renders each check: what was asked, and what it answered.
pub(crate) fn render_health(report: &HealthReport) -> View {
    let rows = report.checks.iter().map(|check| {
        let (word, detail) = verdict(check);
        let took = match check.outcome {
            CheckOutcome::NotConfigured(_) => Line::default(),
            CheckOutcome::Reachable(_) | CheckOutcome::Failed { .. } => shown(check.elapsed).into(),
        };
        let detail = match &check.address {
            // An error names it already.
            Some(address) if matches!(check.outcome, CheckOutcome::Reachable(_)) => {
                format!("{detail}, at {}", place(address))
            }
            _ => detail,
        };
        let word = match check.outcome {
            CheckOutcome::Reachable(_) => good(word),
            CheckOutcome::NotConfigured(_) => dim(word),
            CheckOutcome::Failed { .. } => bad(word),
        };
        [check.name.into(), word, took, detail.into()]
    });
    let table = Table::new(["WHAT", "OUTCOME", "TOOK", "DETAIL"], rows);
    let text = match &report.fleet {
        Some(facts) => Text::from(table).blank().line(fleet(facts)),
        None => Text::from(table),
    };
    let checks: Vec<Value> = report.checks.iter().map(check_json).collect();
    let is_healthy = report.ending().is_none();
    let mut view = View::list(("checks", "check"), checks, text)
        .with("fleet", report.fleet.as_ref().map_or(Value::Null, fleet_json))
        .with("healthy", json!(is_healthy));
    for check in &report.checks {
        if let CheckOutcome::Failed { hint: Some(what), .. } = &check.outcome {
            view = view.note(hint(what));
        }
        for Advice { what, remedy } in &check.advice {
            view = view.note(warning(what)).note(hint(remedy));
        }
    }
    view
}

/// Returns an address without what every one of its kind begins with: the login is the operator's.
fn place(address: &str) -> &str {
    address
        .strip_prefix("postgresql://")
        .map_or(address, |rest| rest.rsplit('@').next().unwrap_or(rest))
}

/// Says how the tenants stand, and of those that somebody has to look at how many there are.
fn fleet(facts: &FleetFacts) -> Line {
    let FleetFacts { tenants, locked, unproven, behind: not_current, due, quarantined } = *facts;
    let tenants = usize::try_from(tenants).unwrap_or_default();
    let parts = [
        (locked, behind(format_args!("{locked} locked"))),
        (unproven, bad(format_args!("{unproven} of them unproven"))),
        (quarantined, bad(format_args!("{quarantined} quarantined"))),
        (not_current.unwrap_or_default(), {
            behind(format_args!("{} behind", not_current.unwrap_or_default()))
        }),
        (due, behind(format_args!("{due} due to be purged"))),
    ];
    let told = parts.into_iter().filter(|(count, _)| *count > 0);
    told.fold(Line::from(count(tenants)), |line, (_, part)| line.and(", ").and(part))
}

fn fleet_json(facts: &FleetFacts) -> Value {
    json!({
        "tenants": facts.tenants,
        "locked": facts.locked,
        "locked_unproven": facts.unproven,
        "quarantined": facts.quarantined,
        "behind": facts.behind,
        "due": facts.due,
    })
}

fn check_json(check: &Check) -> Value {
    let (word, detail) = verdict(check);
    json!({
        "name": check.name,
        "outcome": word,
        "address": check.address,
        "detail": detail,
        "elapsed_ms": millis(check.elapsed),
        "advice": check.advice.iter().map(|Advice { what, remedy }| {
            json!({ "what": what, "remedy": remedy })
        }).collect::<Vec<_>>(),
    })
}

fn verdict(check: &Check) -> (&'static str, String) {
    match &check.outcome {
        CheckOutcome::Reachable(answer) => ("ok", answer.clone()),
        CheckOutcome::Failed { kind, chain, .. } => {
            (kind.word(), format!("failed to {}", chain.join(": ")))
        }
        CheckOutcome::NotConfigured(why) => ("not_configured", (*why).to_owned()),
    }
}

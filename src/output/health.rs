//! What can be reached, as people and monitors read it.

use serde_json::{Value, json};

use super::line::{Line, hint, warning};
use super::text::Table;
use super::view::View;
use super::words::{millis, shown};
use crate::services::health::{Advice, Check, CheckOutcome, HealthReport};

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
                format!("{detail}, at {address}")
            }
            _ => detail,
        };
        [check.name.into(), word.into(), took, detail.into()]
    });
    let table = Table::new(["WHAT", "OUTCOME", "TOOK", "DETAIL"], rows);
    let checks: Vec<Value> = report.checks.iter().map(check_json).collect();
    let is_healthy = report.ending().is_none();
    let mut view =
        View::list(("checks", "check"), checks, table).with("healthy", json!(is_healthy));
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

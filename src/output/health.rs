//! What can be reached, as people and monitors read it.

use serde_json::{Value, json};

use super::console::Console;
use super::table;
use super::view::View;
use super::words::{millis, shown};
use crate::model::{escape_controls, redact};
use crate::services::health::{Check, HealthReport, Verdict};

/// Renders what was asked and what came of it.
pub fn render_health(console: &Console, report: &HealthReport) -> View {
    let rows = report.checks.iter().map(|check| {
        let (word, detail) = told(check);
        vec![
            check.name.to_owned(),
            word.to_owned(),
            if matches!(check.verdict, Verdict::NotConfigured(_)) {
                String::new()
            } else {
                shown(check.elapsed)
            },
            detail,
        ]
    });
    let text = table::table(console, &["WHAT", "VERDICT", "TOOK", "DETAIL"], rows.collect());
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| {
            let (word, detail) = told(check);
            json!({
                "name": check.name,
                "verdict": word,
                "address": check.address,
                "detail": detail,
                "latency_ms": millis(check.elapsed),
            })
        })
        .collect();
    let is_healthy = report.ending().is_none();
    let mut view = View::list("checks", checks, text).with("healthy", json!(is_healthy));
    for check in &report.checks {
        if let Verdict::Failed { hint: Some(hint), .. } = &check.verdict {
            view = view.note(format!("hint: {}", redact(hint)));
        }
    }
    view
}

fn told(check: &Check) -> (&'static str, String) {
    match &check.verdict {
        Verdict::Reachable(said) => ("ok", escape_controls(said)),
        Verdict::Failed { kind, chain, .. } => {
            (kind.word(), escape_controls(&redact(&format!("failed to {}", chain.join(": ")))))
        }
        Verdict::NotConfigured(why) => ("not_configured", (*why).to_owned()),
    }
}

//! The audit trail, as people and programs read it.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::console::Console;
use super::table;
use super::view::View;
use super::words::instant;
use crate::services::audit::AuditRow;
use crate::services::audit::VerifyReport;

/// Renders rows of the trail.
pub fn render_audit(console: &Console, rows: &[AuditRow]) -> View {
    let lines = rows
        .iter()
        .map(|row| {
            vec![
                row.id.to_string(),
                instant(row.at),
                row.actor.clone(),
                row.action.clone(),
                row.target.clone().unwrap_or_default(),
                row.outcome.clone(),
                row.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let headers = ["ID", "AT", "ACTOR", "ACTION", "TARGET", "OUTCOME", "REASON"];
    let text = table::table(console, &headers, lines);
    View::list("entries", rows.iter().map(audit_row_json).collect(), text)
}

/// Renders what walking the chain found.
pub fn render_audit_verify(console: &Console, report: &VerifyReport) -> View {
    let head = &report.head;
    let verdict = match &report.first_break {
        None => console.good("whole"),
        Some(found) => console.bad(&format!("broken at row {}", found.id)),
    };
    let problem = report.first_break.as_ref().map(|found| found.problem.clone());
    let text = table::facts(
        console,
        &[
            ("rows", Some(head.last_id.to_string())),
            ("head", Some(head.hash.clone())),
            ("problem", problem.clone()),
        ],
    );
    let text = format!("The chain is {verdict}.\n{text}");
    let value = json!({
        "valid": report.first_break.is_none(),
        "rows": head.last_id,
        "head": head.hash,
        "first_bad": report.first_break.as_ref().map(|found| json!({
            "id": found.id, "problem": found.problem,
        })),
    });
    View::item("chain", value, text)
}

/// Returns a row as JSON, its instant to the microsecond: it goes into the hash.
pub fn audit_row_json(row: &AuditRow) -> Value {
    let at = row.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
    json!({
        "id": row.id,
        "at": at,
        "actor": row.actor,
        "action": row.action,
        "tenant_id": row.tenant_id.map(|id| id.to_string()),
        "target": row.target,
        "reason": row.reason,
        "detail": row.detail,
        "outcome": row.outcome,
        "operation_id": row.operation_id.map(|id| id.to_string()),
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    })
}

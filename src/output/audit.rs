//! The audit trail, as people and programs read it.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::line::{Line, bad, good};
use super::text::{Facts, Table, Text, cell};
use super::view::View;
use crate::model::instant;
use crate::services::audit::{AuditRow, VerifyReport};

pub(crate) fn render_audit(rows: &[AuditRow]) -> View {
    let headings = ["ID", "AT", "ACTOR", "ACTION", "TARGET", "OUTCOME", "REASON"];
    let lines = rows.iter().map(|row| {
        [
            row.id.into(),
            instant(row.at).into(),
            (&row.actor).into(),
            (&row.action).into(),
            cell(row.target.as_ref()),
            row.outcome.word().into(),
            cell(row.reason.as_ref()),
        ]
    });
    let table = Table::new(headings, lines);
    View::list("entries", rows.iter().map(audit_row_json).collect(), table)
}

/// Renders what walking the chain found.
pub(crate) fn render_audit_verify(report: &VerifyReport) -> View {
    let head = &report.head;
    let broken = report.first_break.as_ref();
    let verdict = match broken {
        None => good("whole"),
        Some(found) => bad(format_args!("broken at row {}", found.id)),
    };
    let facts = Facts::new()
        .fact("rows", head.last_id)
        .fact("head", &head.hash)
        .some("problem", broken.map(|found| &found.problem));
    let text = Text::from(Line::from("The chain is ").and(verdict).and("."));
    let value = json!({
        "valid": broken.is_none(),
        "rows": head.last_id,
        "head": head.hash,
        "first_bad": broken.map(|found| json!({ "id": found.id, "problem": found.problem })),
    });
    View::item("chain", value, text.and(facts))
}

/// Returns a row as JSON, its instant to the microsecond: it goes into the hash.
pub(crate) fn audit_row_json(row: &AuditRow) -> Value {
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
        "outcome": row.outcome.word(),
        "operation_id": row.operation_id.map(|id| id.to_string()),
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    })
}

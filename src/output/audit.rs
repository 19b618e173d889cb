//! The audit trail, as people and programs read it.

use serde_json::{Value, json};

use super::console::Console;
use super::console::ReaderGone;
use super::line::{Line, bad, good};
use super::text::{Facts, Table, Text, cell};
use super::view::View;
use crate::model::{instant, instant_ms};
use crate::services::audit::{AuditRow, VerifyReport};

/// The columns of `audit list`.
pub(crate) const AUDIT_COLUMNS: [&str; 7] =
    ["ID", "AT", "ACTOR", "ACTION", "TARGET", "OUTCOME", "REASON"];

pub(crate) fn render_audit(rows: &[AuditRow]) -> View {
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
    let table = Table::new(AUDIT_COLUMNS, lines)
        .cut("TARGET")
        .cut("REASON")
        .dropping(&["REASON", "ID", "TARGET", "ACTOR"]);
    View::list(("entries", "entry"), rows.iter().map(audit_row_json).collect(), table)
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

/// Writes pages of the trail as lines of JSON, whatever `--output` says: the export is for programs.
#[derive(Debug)]
pub(crate) struct AuditLines<'c> {
    console: &'c Console,
    count: usize,
}

impl<'c> AuditLines<'c> {
    pub(crate) fn new(console: &'c Console) -> Self {
        Self { console, count: 0 }
    }

    /// # Errors
    /// When the reader closed the pipe: no further page needs to be fetched.
    pub(crate) fn page_or_stop(&mut self, rows: &[AuditRow]) -> Result<(), ReaderGone> {
        self.count += rows.len();
        let values: Vec<_> = rows.iter().map(audit_row_json).collect();
        self.console.lines("entry", &values);
        if self.console.is_stdout_gone() { Err(ReaderGone) } else { Ok(()) }
    }

    /// Writes the last line: an export without it was cut off.
    pub(crate) fn finish(self) {
        self.console.lines("summary", &[json!({ "count": self.count })]);
    }
}

/// Returns a row as JSON. The hash is over the instant in microseconds, so that is there as well.
fn audit_row_json(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": instant_ms(row.at),
        "hashed_at_us": row.at.unix_timestamp_nanos() / 1000,
        "actor": row.actor,
        "action": row.action,
        "tenant": row.tenant_id.map(|id| json!({ "id": id.to_string(), "slug": row.slug })),
        "target": row.target,
        "reason": row.reason,
        "detail": row.detail,
        "outcome": row.outcome.word(),
        "operation_id": row.operation_id.map(|id| id.to_string()),
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    })
}

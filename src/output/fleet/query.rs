//! What one statement returned in many tenants: one table, the tenant first.

use std::collections::BTreeMap;

use serde_json::json;

use crate::output::json::{error_json, names_json};
use crate::output::line::{Line, bad, hint, warning};
use crate::output::text::{Table, Text};
use crate::output::view::View;
use crate::output::words::{count, shown};
use crate::services::fleet::{Cause, QueryReport, TenantVerdict};

/// How many tenants a line names.
const NAMED: usize = 5;

pub(crate) fn render_query(report: &QueryReport) -> View {
    let mut columns: Vec<&str> = Vec::new();
    for column in report.rows.iter().flat_map(|(_, row)| &row.columns) {
        if !columns.contains(&column.as_str()) {
            columns.push(column);
        }
    }
    let rows = report.rows.iter().map(|(tenant, row)| {
        let text = |column: &&str| {
            let at = row.columns.iter().position(|name| name == column);
            at.and_then(|at| row.texts[at].as_deref()).map(Line::from).unwrap_or_default()
        };
        std::iter::once(Line::from(&tenant.slug)).chain(columns.iter().map(text)).collect()
    });
    let headings = std::iter::once("TENANT".to_owned());
    let headings = headings.chain(columns.iter().map(|column| (*column).to_owned()));
    let table = Table::of(headings.collect(), rows.collect());
    let text = if report.rows.is_empty() { Text::new() } else { Text::from(table) };
    let values = report
        .rows
        .iter()
        .map(|(tenant, row)| json!({ "tenant": names_json(tenant), "values": row.values.0 }));
    let failed = report.fleet.results.iter().filter_map(|result| match &result.verdict {
        TenantVerdict::Failed(cause) => {
            let Cause { kind, chain, hint, .. } = cause;
            let error = error_json(*kind, chain, hint.as_deref());
            Some(json!({ "tenant": names_json(&result.tenant), "error": error }))
        }
        _ => None,
    });
    let skipped = report.fleet.results.iter().filter_map(|result| match &result.verdict {
        TenantVerdict::Skipped(reason) => {
            Some(json!({ "tenant": names_json(&result.tenant), "reason": reason }))
        }
        _ => None,
    });
    let view = View::list(("rows", "row"), values.collect(), text)
        .with("limit", json!(report.limit))
        .with("truncated", report.cut.iter().map(names_json).collect())
        .with("failures", failed.collect())
        .with("skipped", skipped.collect())
        .with("interrupted", json!(report.fleet.is_interrupted))
        .took(report.fleet.elapsed);
    notes(report, view)
}

/// Adds what a person has to know of rows that are not there.
fn notes(report: &QueryReport, mut view: View) -> View {
    let mut failures: BTreeMap<&str, (&Cause, Vec<String>)> = BTreeMap::new();
    let (mut answered, mut skipped) = (0, BTreeMap::<&str, Vec<String>>::new());
    for result in &report.fleet.results {
        let slug = result.tenant.slug.to_string();
        match &result.verdict {
            TenantVerdict::Failed(cause) => {
                let same = failures.entry(&cause.common).or_insert((cause, Vec::new()));
                same.1.push(slug);
            }
            TenantVerdict::Skipped(reason) => skipped.entry(reason).or_default().push(slug),
            _ => answered += 1,
        }
    }
    let rows = report.rows.len();
    let took = shown(report.fleet.elapsed);
    view = view.note(format_args!("{rows} rows of {}, {took}", count(answered)));
    if !report.cut.is_empty() {
        let cut: Vec<_> = report.cut.iter().map(|it| it.slug.to_string()).collect();
        let what = format!(
            "only the first {} rows of {} are shown; --limit N shows more",
            report.limit,
            named(&cut)
        );
        view = view.note(warning(what));
    }
    for (reason, slugs) in &skipped {
        view = view.note(format_args!("skipped, {reason}: {}", named(slugs)));
    }
    for (cause, slugs) in failures.values() {
        let said = Line::from(format_args!(" failed to {}", cause.chain.join(": ")));
        view = view.note(bad(format_args!("{}:", named(slugs))).and(said));
        if let Some(told) = &cause.hint {
            view = view.note(hint(told));
        }
    }
    view
}

fn named(slugs: &[String]) -> String {
    let first = slugs.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match slugs.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

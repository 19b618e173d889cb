//! What a fleet command did, tenant by tenant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::output::json::{error_json, names_json};
use crate::output::line::{Line, hint};
use crate::output::text::{Table, Text, cell};
use crate::output::view::View;
use crate::output::words::{FULL_TABLE, count, millis, shown, verdict};
use crate::services::fleet::{Cause, FleetReport, TenantResult, TenantVerdict};

pub(crate) fn render_fleet(report: &FleetReport) -> View {
    let counts = Counts::of(report);
    let causes = causes(report);
    let mut text = Text::new();
    let table = results_table(report);
    if !table.is_empty() {
        text = text.and(table).blank();
    }
    text = text.line(counts.sentence(report));
    if counts.failed > 1 {
        text = text.blank().line("Failures by cause:");
        for (cause, (_, tenants)) in &causes {
            let line = Line::from(format_args!("  {tenants} × "));
            text = text.line(line.and(Line::from(*cause).shortened(200)));
        }
    }
    let failures = causes.values().map(|(cause, tenants)| {
        json!({
            "cause": cause.common,
            "sqlstate": cause.refusal.sqlstate,
            "migration": cause.refusal.migration,
            "tenants": tenants,
        })
    });
    let mut view =
        View::list(("results", "result"), report.results.iter().map(result_json).collect(), text)
            .with("dry_run", json!(report.is_dry_run))
            .with("interrupted", json!(report.is_interrupted))
            .with("summary", counts.json())
            .with("failures", failures.collect())
            .took(report.elapsed);
    for what in hints(report) {
        view = view.note(hint(what));
    }
    if report.is_interrupted {
        view = view.note("Interrupted; run the same command again: it does what is left.");
    }
    view
}

/// Returns how many tenants ended with each verdict.
pub(in crate::output) fn summary_json(report: &FleetReport) -> Value {
    Counts::of(report).json()
}

/// How many tenants ended with each verdict.
struct Counts {
    tenants: usize,
    done: usize,
    planned: usize,
    unchanged: usize,
    skipped: usize,
    failed: usize,
    not_begun: usize,
}

impl Counts {
    fn of(report: &FleetReport) -> Self {
        Self {
            tenants: report.results.len(),
            done: report.count(|v| matches!(v, TenantVerdict::Done(_))),
            planned: report.count(|v| matches!(v, TenantVerdict::Planned(_))),
            unchanged: report.count(|v| matches!(v, TenantVerdict::Unchanged)),
            skipped: report.count(|v| matches!(v, TenantVerdict::Skipped(_))),
            failed: report.count(|v| matches!(v, TenantVerdict::Failed(_))),
            not_begun: report.count(|v| matches!(v, TenantVerdict::NotBegun)),
        }
    }

    fn sentence(&self, report: &FleetReport) -> String {
        if self.tenants == 0 {
            return "No tenants selected.".to_owned();
        }
        let parts: Vec<_> = [
            (self.done, "done"),
            (self.planned, "to do"),
            (self.unchanged, "up to date"),
            (self.skipped, "skipped"),
            (self.failed, "failed"),
            (self.not_begun, "not begun"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        format!("{}: {}, {}", count(self.tenants), parts.join(", "), shown(report.elapsed))
    }

    fn json(&self) -> Value {
        json!({
            "count": self.tenants, "done": self.done, "planned": self.planned,
            "unchanged": self.unchanged, "skipped": self.skipped, "failed": self.failed,
            "not_begun": self.not_begun,
        })
    }
}

/// Returns a row for each tenant; in a large fleet only for those that are out of the ordinary.
fn results_table(report: &FleetReport) -> Table {
    let is_long = report.results.len() > FULL_TABLE;
    let is_ordinary = |verdict: &TenantVerdict| {
        matches!(verdict, TenantVerdict::Unchanged | TenantVerdict::Done(_))
    };
    let shown = report.results.iter().filter(|r| !is_long || !is_ordinary(&r.verdict));
    let rows = shown.map(|result| {
        let (word, detail) = verdict(&result.verdict);
        let detail = Line::from(detail).shortened(300);
        [(&result.tenant).into(), word.into(), cell(result.version), detail]
    });
    Table::new(["TENANT", "OUTCOME", "VERSION", "DETAIL"], rows)
}

pub(in crate::output) fn result_json(result: &TenantResult) -> Value {
    let (word, _) = verdict(&result.verdict);
    let mut value = json!({
        "tenant": names_json(&result.tenant),
        "outcome": word,
        "schema_version": result.version.map(|version| version.0),
        "elapsed_ms": millis(result.elapsed),
    });
    match &result.verdict {
        TenantVerdict::Done(lines) => value["applied"] = json!(lines),
        TenantVerdict::Planned(lines) => value["pending"] = json!(lines),
        TenantVerdict::Skipped(reason) => value["reason"] = json!(reason),
        TenantVerdict::Failed(cause) => {
            let Cause { kind, chain, hint, refusal, .. } = cause;
            let mut error = error_json(*kind, chain, hint.as_deref());
            error["sqlstate"] = json!(refusal.sqlstate);
            error["migration"] = json!(refusal.migration);
            value["error"] = error;
        }
        TenantVerdict::Unchanged | TenantVerdict::NotBegun => {}
    }
    value
}

/// Returns the hints of the failures, each once.
fn hints(report: &FleetReport) -> BTreeSet<String> {
    let hint = |result: &TenantResult| match &result.verdict {
        TenantVerdict::Failed(cause) => cause.hint.clone(),
        _ => None,
    };
    report.results.iter().filter_map(hint).collect()
}

/// Groups failures that are alike, and counts them.
fn causes(report: &FleetReport) -> BTreeMap<&str, (&Cause, usize)> {
    let mut causes = BTreeMap::new();
    for result in &report.results {
        if let TenantVerdict::Failed(cause) = &result.verdict {
            causes.entry(cause.common.as_str()).or_insert((cause, 0)).1 += 1;
        }
    }
    causes
}

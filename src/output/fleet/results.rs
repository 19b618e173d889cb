//! The results of a fleet command: a table, how many there are of each, and failures by their cause.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::TenantNames;
use crate::output::json::{error_json, names_json};
use crate::output::line::{Line, bad, behind};
use crate::output::text::{Table, Text, cell};
use crate::output::words::{FULL_TABLE, count, millis, shown, some_of, verdict};
use crate::services::fleet::{Cause, FleetReport, TenantResult, TenantVerdict};

/// How many of those that were skipped for one reason are named.
const NAMED: usize = 5;

/// Returns the table of results, how many there are of each, and what several failed of alike.
pub(super) fn results_of(report: &FleetReport) -> Text {
    let counts = Counts::of(report);
    let causes = causes(report);
    let mut text = Text::new();
    let table = results_table(report, &causes);
    if !table.is_empty() {
        text = text.and(table).blank();
    }
    text = text.line(counts.sentence(report));
    for (reason, tenants) in skipped(report) {
        text = text.hanging(behind(format_args!("skipped, {reason}: ")), with_versions(&tenants));
    }
    let alike: Vec<_> = causes.values().filter(|(_, tenants)| tenants.len() > 1).collect();
    if !alike.is_empty() {
        text = text.blank().line("Failed alike:");
        for (cause, tenants) in alike {
            let lead = bad(format_args!("  {} × ", tenants.len()));
            let said = format!("failed to {} ({})", cause.common, some_of(tenants));
            text = text.hanging(lead, Line::from(said).shortened(600));
        }
    }
    text
}

/// Returns the failures by what they have in common.
pub(super) fn by_cause(report: &FleetReport) -> Value {
    let causes = causes(report);
    let failures = causes.values().map(|(cause, tenants)| {
        json!({
            "cause": cause.common,
            "sqlstate": cause.refusal.sqlstate,
            "migration": cause.refusal.migration,
            "tenants": tenants.len(),
        })
    });
    failures.collect()
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
            (self.unchanged, "unchanged"),
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

/// Returns a row for each tenant; in a large fleet only for those that are out of the ordinary. What
/// several failed of alike is said once, below.
fn results_table(report: &FleetReport, causes: &Causes<'_>) -> Table {
    let is_long = report.results.len() > FULL_TABLE;
    let is_ordinary = |verdict: &TenantVerdict| {
        matches!(verdict, TenantVerdict::Unchanged | TenantVerdict::Done(_))
    };
    let is_told_below = |verdict: &TenantVerdict| match verdict {
        TenantVerdict::Failed(cause) => causes[cause.common.as_str()].1.len() > 1,
        TenantVerdict::Skipped(_) => true,
        _ => false,
    };
    let shown = report.results.iter().filter(|result| {
        !(is_told_below(&result.verdict) || is_long && is_ordinary(&result.verdict))
    });
    let rows = shown.map(|result| {
        let (word, detail) = verdict(&result.verdict);
        let detail = Line::from(detail).shortened(300);
        let word = match result.verdict {
            TenantVerdict::Failed(_) => bad(word),
            _ => word.into(),
        };
        [(&result.tenant).into(), word, cell(result.version), detail]
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

/// Failures by what they have in common, and whose they are.
type Causes<'r> = BTreeMap<&'r str, (&'r Cause, Vec<&'r TenantNames>)>;

/// Groups failures that are alike.
fn causes(report: &FleetReport) -> Causes<'_> {
    let mut causes = Causes::new();
    for result in &report.results {
        if let TenantVerdict::Failed(cause) = &result.verdict {
            let (_, tenants) = causes.entry(&cause.common).or_insert((cause, Vec::new()));
            tenants.push(&result.tenant);
        }
    }
    causes
}

/// Returns who was skipped, by the reason.
fn skipped(report: &FleetReport) -> BTreeMap<&str, Vec<&TenantResult>> {
    let mut skipped = BTreeMap::<&str, Vec<&TenantResult>>::new();
    for result in &report.results {
        if let TenantVerdict::Skipped(reason) = &result.verdict {
            skipped.entry(reason).or_default().push(result);
        }
    }
    skipped
}

/// Returns the first of several tenants with the version they are at, and how many more there are.
fn with_versions(results: &[&TenantResult]) -> String {
    let named = results.iter().take(NAMED).map(|result| match result.version {
        Some(version) => format!("{} ({version})", result.tenant),
        None => result.tenant.to_string(),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match results.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

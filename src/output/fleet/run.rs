//! What a fleet command did, tenant by tenant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::{redact, shorten};
use crate::output::console::Console;
use crate::output::table;
use crate::output::view::View;
use crate::output::words::{FULL_TABLE, count, millis, shown};
use crate::services::fleet::{FleetReport, TenantResult, TenantVerdict};

/// Renders what a fleet command did.
pub fn render_fleet(console: &Console, report: &FleetReport) -> View {
    let is_ordinary = |verdict: &TenantVerdict| {
        matches!(verdict, TenantVerdict::Unchanged | TenantVerdict::Done(_))
    };
    let is_long = report.results.len() > FULL_TABLE;
    let rows: Vec<_> = report
        .results
        .iter()
        .filter(|result| !is_long || !is_ordinary(&result.verdict))
        .map(row)
        .collect();
    let mut parts = Vec::new();
    let done = report.count(|v| matches!(v, TenantVerdict::Done(_)));
    let planned = report.count(|v| matches!(v, TenantVerdict::Planned(_)));
    let unchanged = report.count(|v| matches!(v, TenantVerdict::Unchanged));
    let skipped = report.count(|v| matches!(v, TenantVerdict::Skipped(_)));
    let failed = report.count(|v| matches!(v, TenantVerdict::Failed { .. }));
    for (count, word) in [
        (done, "done"),
        (planned, "to do"),
        (unchanged, "up to date"),
        (skipped, "skipped"),
        (failed, "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let summary = match report.results.len() {
        0 => "No tenants selected.".to_owned(),
        all => format!("{}: {}, {}", count(all), parts.join(", "), shown(report.elapsed)),
    };
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&table::table(console, &["TENANT", "VERDICT", "VERSION", "DETAIL"], rows));
        text.push_str("\n\n");
    }
    text.push_str(&summary);
    let causes = causes(report);
    if failed > 1 {
        text.push_str("\n\nFailures by cause:");
        for (cause, count) in &causes {
            text.extend(["\n  ", &count.to_string(), " × ", cause]);
        }
    }
    let mut view = View::list("results", report.results.iter().map(result_json).collect(), text)
        .with("dry_run", json!(report.is_dry_run))
        .with("interrupted", json!(report.is_interrupted))
        .with(
            "summary",
            json!({
                "tenants": report.results.len(), "done": done, "planned": planned,
                "unchanged": unchanged, "skipped": skipped, "failed": failed,
            }),
        )
        .with(
            "failures",
            causes.iter().map(|(cause, n)| json!({ "cause": cause, "tenants": n })).collect(),
        )
        .took(report.elapsed);
    let hints: BTreeSet<_> = report
        .results
        .iter()
        .filter_map(|result| match &result.verdict {
            TenantVerdict::Failed { hint, .. } => hint.clone(),
            _ => None,
        })
        .collect();
    for hint in hints {
        view = view.note(format!("hint: {}", redact(&hint)));
    }
    if report.is_interrupted {
        view = view.note("Interrupted; run the same command again: it does what is left.");
    }
    view
}

fn row(result: &TenantResult) -> Vec<String> {
    let (word, detail) = verdict(result);
    vec![
        result.tenant.to_string(),
        word.to_owned(),
        result.version.map(|version| version.to_string()).unwrap_or_default(),
        shorten(&detail, 300),
    ]
}

fn verdict(result: &TenantResult) -> (&'static str, String) {
    match &result.verdict {
        TenantVerdict::Done(lines) => ("done", lines.join(", ")),
        TenantVerdict::Unchanged => ("unchanged", String::new()),
        TenantVerdict::Planned(lines) => ("planned", lines.join(", ")),
        TenantVerdict::Skipped(reason) => ("skipped", reason.clone()),
        TenantVerdict::Failed { chain, .. } => {
            ("failed", redact(&format!("failed to {}", chain.join(": "))))
        }
    }
}

fn result_json(result: &TenantResult) -> Value {
    let (word, detail) = verdict(result);
    let mut value = json!({
        "tenant": result.tenant.as_str(),
        "verdict": word,
        "schema_version": result.version.map(|version| version.0),
        "elapsed_ms": millis(result.elapsed),
    });
    match &result.verdict {
        TenantVerdict::Done(lines) => value["applied"] = json!(lines),
        TenantVerdict::Planned(lines) => value["pending"] = json!(lines),
        TenantVerdict::Skipped(_) => value["reason"] = json!(detail),
        TenantVerdict::Failed { kind, chain, hint } => {
            let causes: Vec<_> = chain.iter().skip(1).map(|cause| redact(cause)).collect();
            value["error"] = json!({
                "kind": kind.word(),
                "message": redact(&format!("failed to {}", chain.first().cloned().unwrap_or_default())),
                "causes": causes,
                "hint": hint,
                "retryable": kind.is_retryable(),
            });
        }
        TenantVerdict::Unchanged => {}
    }
    value
}

/// Groups failures by what they say once names and numbers of single tenants are taken out.
fn causes(report: &FleetReport) -> BTreeMap<String, usize> {
    let mut causes = BTreeMap::new();
    for result in &report.results {
        if let TenantVerdict::Failed { chain, .. } = &result.verdict {
            let cause = normalised(&redact(&chain.join(": ")), result.tenant.as_str());
            *causes.entry(cause).or_insert(0) += 1;
        }
    }
    causes
}

fn normalised(text: &str, slug: &str) -> String {
    let database = format!("tenant_{}_", slug.replace('-', "_"));
    let words = text.split(' ').map(|word| match word.find(&database) {
        Some(at) => format!("{}<database>", &word[..at]),
        None => word.replace(slug, "<tenant>"),
    });
    shorten(&words.collect::<Vec<_>>().join(" "), 200)
}

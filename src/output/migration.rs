//! Fleet results, standings, seed sets, and the control plane's installation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::console::Console;
use super::table;
use super::view::View;
use super::words::{instant, millis, shown};
use crate::model::{redact, shorten};
use crate::services::fleet::{
    FleetReport, HistoryLine, StatusReport, StatusStanding, TenantResult, TenantVerdict,
};
use crate::services::migration::{InstallReport, SeedSet};

/// A report with more tenants than this shows only what is out of the ordinary.
const FULL_TABLE: usize = 50;

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

/// Renders where the fleet stands.
pub fn render_migration_status(console: &Console, report: &StatusReport) -> View {
    let is_long = report.tenants.len() > FULL_TABLE;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for tenant in &report.tenants {
        let recorded = tenant.recorded.as_ref();
        let version = recorded.and_then(|schema| schema.version);
        let (word, detail) = match &tenant.standing {
            StatusStanding::Current => ("current", String::new()),
            StatusStanding::Behind(count) => ("behind", format!("{count} pending")),
            StatusStanding::Diverged(why) => ("diverged", why.clone()),
            StatusStanding::Unknown(why) => ("unknown", why.clone()),
        };
        let detail = redact(&detail);
        let history = tenant.history.as_ref().map(|lines| {
            let line = |line: &HistoryLine| {
                json!({
                    "version": line.record.version.0,
                    "name": line.record.name,
                    "checksum": format!("{:016x}", line.record.checksum),
                    "applied_at": instant(line.applied_at),
                })
            };
            lines.iter().map(line).collect::<Vec<_>>()
        });
        values.push(json!({
            "tenant": tenant.tenant.as_str(),
            "status": tenant.status.word(),
            "schema_version": version.map(|version| version.0),
            "schema_fingerprint": recorded.map(|schema| schema.fingerprint.clone()),
            "standing": word,
            "detail": if detail.is_empty() { Value::Null } else { json!(detail) },
            "history": history,
        }));
        if !is_long || tenant.standing != StatusStanding::Current {
            let version = version.map(|version| version.to_string()).unwrap_or_default();
            rows.push(vec![
                tenant.tenant.to_string(),
                tenant.status.word().to_owned(),
                version,
                word.to_owned(),
                detail,
            ]);
        }
    }
    let head = report.head.version.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
    let mut text = String::new();
    if !rows.is_empty() {
        let headers = ["TENANT", "STATUS", "VERSION", "STANDING", "DETAIL"];
        text.push_str(&table::table(console, &headers, rows));
        text.push_str("\n\n");
    }
    if let [only] = report.tenants.as_slice()
        && let Some(history) = &only.history
    {
        let lines = history.iter().map(|line| {
            let record = &line.record;
            let checksum = format!("{:016x}", record.checksum);
            vec![
                record.version.to_string(),
                record.name.clone(),
                checksum,
                instant(line.applied_at),
            ]
        });
        let headers = ["VERSION", "NAME", "CHECKSUM", "APPLIED"];
        text.push_str(&table::table(console, &headers, lines.collect()));
        text.push_str("\n\n");
    }
    let looked = if report.is_verified { "by their own histories" } else { "by the record" };
    let summary = format!(
        "{}, {} not current, {looked}; current is {head} ({})",
        count(report.tenants.len()),
        report.differing(),
        report.head.fingerprint
    );
    text.push_str(&summary);
    let view = View::list("tenants", values, text)
        .with(
            "head",
            json!({
                "schema_version": report.head.version.map(|v| v.0),
                "schema_fingerprint": report.head.fingerprint,
            }),
        )
        .with("verified", json!(report.is_verified));
    if report.differing() > 0 {
        view.note("\nNext:\n  tenantctl migrate apply --all --dry-run")
    } else {
        view
    }
}

/// Renders the seed sets.
pub fn render_seed_sets(console: &Console, sets: &[SeedSet]) -> View {
    let rows = sets
        .iter()
        .map(|set| {
            let holds: Vec<_> =
                set.holds.iter().map(|h| format!("{} {}", h.rows, h.table)).collect();
            let rows: u64 = set.holds.iter().map(|h| h.rows).sum();
            vec![set.name.clone(), set.files.len().to_string(), rows.to_string(), holds.join(", ")]
        })
        .collect();
    let values = sets
        .iter()
        .map(|set| {
            json!({
                "name": set.name,
                "files": set.files.iter().map(|file| &file.name).collect::<Vec<_>>(),
                "holds": set.holds.iter().map(|h| json!({ "table": h.table, "rows": h.rows }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    let text = table::table(console, &["SET", "FILES", "ROWS", "HOLDS"], rows);
    View::list("seed_sets", values, text)
}

/// Renders the control plane's installation.
pub fn render_install(console: &Console, report: &InstallReport, is_dry_run: bool) -> View {
    let listed = if is_dry_run { &report.planned } else { &report.applied };
    let names: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let what = match (is_dry_run, names.is_empty()) {
        (_, true) => "nothing: it is up to date".to_owned(),
        (_, false) => names.join(", "),
    };
    let text = table::facts(
        console,
        &[
            ("control plane", Some(report.control_plane.clone())),
            ("version", Some(report.version.to_string())),
            (if is_dry_run { "would apply" } else { "applied" }, Some(what)),
        ],
    );
    let view = View::item(
        "control_plane",
        json!({
            "id": (!is_dry_run).then(|| report.control_plane_id.to_string()),
            "url": report.control_plane,
            "version": report.version.0,
        }),
        text,
    )
    .with("dry_run", json!(is_dry_run))
    .with(if is_dry_run { "planned" } else { "applied" }, json!(names));
    if is_dry_run {
        view
    } else {
        view.note("\nNext:\n  tenantctl tenant create acme --name 'Acme Ltd'")
    }
}

fn count(tenants: usize) -> String {
    if tenants == 1 { "1 tenant".to_owned() } else { format!("{tenants} tenants") }
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

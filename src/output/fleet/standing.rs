//! Where the fleet stands.

use serde_json::{Value, json};

use crate::model::redact;
use crate::output::console::Console;
use crate::output::table;
use crate::output::view::View;
use crate::output::words::{FULL_TABLE, count, instant};
use crate::services::fleet::{HistoryLine, StatusReport, StatusStanding};

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

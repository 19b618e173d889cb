//! Where the fleet stands.

use serde_json::{Value, json};

use crate::model::{instant, instant_ms};
use crate::output::json::names_json;
use crate::output::text::{Table, Text, cell};
use crate::output::view::View;
use crate::output::words::{FULL_TABLE, count};
use crate::services::fleet::{HistoryLine, StatusReport, StatusStanding, TenantStanding};
use crate::services::migration::CatalogStanding;

/// How many differences a row of the table names.
const NAMED: usize = 3;

pub(crate) fn render_migration_status(report: &StatusReport) -> View {
    let mut text = Text::new();
    let table = standings_table(report);
    if !table.is_empty() {
        text = text.and(table).blank();
    }
    if let [TenantStanding { history: Some(history), .. }] = report.tenants.as_slice() {
        text = text.and(history_table(history)).blank();
    }
    let differing = report.differing();
    let looked = if report.is_verified { compared(report) } else { "by the record".to_owned() };
    let head = report.head.version.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
    let text = text.line(format_args!(
        "{}, {differing} not current, {looked}; current is {head} ({})",
        count(report.tenants.len()),
        report.head.fingerprint
    ));
    let head = json!({
        "schema_version": report.head.version.map(|v| v.0),
        "schema_fingerprint": report.head.fingerprint,
    });
    let view =
        View::list(("results", "result"), report.tenants.iter().map(standing_json).collect(), text)
            .with("head", head)
            .with("verified", json!(report.is_verified));
    if differing > 0 { view.next(["tenantctl migrate apply --all --dry-run"]) } else { view }
}

/// Returns the word for a standing, and why it is not current.
fn words(standing: &StatusStanding) -> (&'static str, Option<String>) {
    match standing {
        StatusStanding::Current => ("current", None),
        StatusStanding::Behind(count) => ("behind", Some(format!("{count} pending"))),
        StatusStanding::Diverged(why) => ("diverged", Some(why.clone())),
        StatusStanding::Differs(found) => ("differs", Some(several(found))),
        StatusStanding::Unknown(why) => ("unknown", Some(why.clone())),
    }
}

/// Returns the first of what differs, and how many more there are.
fn several(found: &[String]) -> String {
    let named: Vec<_> = found.iter().take(NAMED).map(String::as_str).collect();
    match found.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

/// Returns whether catalogs were compared, and of whom they were not.
fn compared(report: &StatusReport) -> String {
    let is_left_out = |t: &&TenantStanding| {
        !matches!(t.catalog, Some(CatalogStanding::Same | CatalogStanding::Differs(_)))
    };
    match report.tenants.iter().filter(is_left_out).count() {
        0 => "by their own histories and catalogs".to_owned(),
        left_out => {
            format!("by their own histories and catalogs, {left_out} catalogs not compared")
        }
    }
}

/// Returns a row for each tenant; in a large fleet only for those that are not current.
fn standings_table(report: &StatusReport) -> Table {
    let is_long = report.tenants.len() > FULL_TABLE;
    let shown = report.tenants.iter().filter(|t| !is_long || t.standing != StatusStanding::Current);
    let rows = shown.map(|tenant| {
        let (word, detail) = words(&tenant.standing);
        let version = tenant.recorded.as_ref().and_then(|schema| schema.version);
        let status = tenant.status.word();
        [(&tenant.tenant).into(), status.into(), cell(version), word.into(), cell(detail)]
    });
    Table::new(["TENANT", "STATUS", "VERSION", "OUTCOME", "DETAIL"], rows)
}

fn history_table(history: &[HistoryLine]) -> Table {
    let rows = history.iter().map(|HistoryLine { record, applied_at }| {
        let checksum = format!("{:016x}", record.checksum);
        let at = instant(*applied_at);
        [record.version.into(), (&record.name).into(), checksum.into(), at.into()]
    });
    Table::new(["VERSION", "NAME", "CHECKSUM", "APPLIED"], rows)
}

fn standing_json(tenant: &TenantStanding) -> Value {
    let recorded = tenant.recorded.as_ref();
    let (word, detail) = words(&tenant.standing);
    let line = |line: &HistoryLine| {
        json!({
            "version": line.record.version.0,
            "name": line.record.name,
            "checksum": format!("{:016x}", line.record.checksum),
            "applied_at": instant_ms(line.applied_at),
        })
    };
    let history = tenant.history.as_ref().map(|lines| lines.iter().map(line).collect::<Vec<_>>());
    json!({
        "tenant": names_json(&tenant.tenant),
        "status": tenant.status.word(),
        "schema_version": recorded.and_then(|schema| schema.version).map(|version| version.0),
        "schema_fingerprint": recorded.map(|schema| &schema.fingerprint),
        "outcome": word,
        "detail": detail,
        "history": history,
        "catalog": tenant.catalog.as_ref().map(catalog_json),
    })
}

fn catalog_json(catalog: &CatalogStanding) -> Value {
    match catalog {
        CatalogStanding::Same => json!({ "outcome": "same" }),
        CatalogStanding::Differs(found) => json!({ "outcome": "differs", "differences": found }),
        CatalogStanding::NotCompared(why) => json!({ "outcome": "not_compared", "reason": why }),
    }
}

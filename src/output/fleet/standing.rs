//! Where the fleet stands.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::model::{TenantNames, instant, instant_ms};
use crate::output::arrange::Arrangement;
use crate::output::json::names_json;
use crate::output::line::{bad, behind};
use crate::output::text::{Table, Text, cell};
use crate::output::view::View;
use crate::output::words::{FULL_TABLE, count, some_of};
use crate::services::fleet::{HistoryLine, StatusReport, StatusStanding, TenantStanding};
use crate::services::migration::CatalogStanding;

/// How many differences a row of the table names.
const NAMED: usize = 3;

/// More tenants than this that stand alike are one line.
const ALIKE: usize = 5;

/// The columns of `migrate status`.
pub(crate) const STATUS_COLUMNS: [&str; 5] = ["TENANT", "STATUS", "VERSION", "OUTCOME", "DETAIL"];

/// Renders where tenants stand. Arranged, or as CSV, each has its row; else those that stand alike are
/// said once.
pub(crate) fn render_migration_status(
    report: &Rc<StatusReport>,
    arrangement: &Arrangement,
) -> View {
    let mut text = Text::new();
    let is_plain = arrangement.is_plain();
    let alike = if is_plain { alike(report) } else { Vec::new() };
    let mut order: Vec<usize> = (0..report.tenants.len()).collect();
    let mut table = standings_table(report, &alike, is_plain);
    arrangement.apply(&mut table, &mut order);
    if !table.is_empty() {
        text = text.and(table).blank();
    }
    if let [TenantStanding { history: Some(history), .. }] = report.tenants.as_slice() {
        text = text.and(history_table(history)).blank();
    }
    let differing = report.differing();
    let looked = if report.is_verified { compared(report) } else { "by the record".to_owned() };
    for (word, detail, tenants) in &alike {
        let lead = behind(format_args!("{} × {word}", tenants.len()));
        let said = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        text = text.hanging(lead, format_args!("{said} ({})", some_of(tenants)));
    }
    if !alike.is_empty() {
        text = text.blank();
    }
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
    let (all, count) = (Rc::clone(report), order.len());
    let item = move |at: usize| standing_json(&all.tenants[order[at]]);
    let view = View::list_as_written(("results", "result"), count, item, text)
        .with("head", head)
        .with("verified", json!(report.is_verified))
        .within(arrangement);
    let next = next(report);
    if next.is_empty() { view } else { view.next(next) }
}

/// Returns the commands that help: `migrate apply` for who is behind, and what shows more of the others.
fn next(report: &StatusReport) -> Vec<String> {
    let of = |test: fn(&StatusStanding) -> bool| -> Vec<&str> {
        let found = report.tenants.iter().filter(|tenant| test(&tenant.standing));
        found.map(|tenant| tenant.tenant.slug.as_str()).collect()
    };
    let mut next = Vec::new();
    let behind = of(|standing| matches!(standing, StatusStanding::Behind(_)));
    // For exactly those that were shown.
    if behind.len() > NAMED && report.is_everybody {
        next.push("tenantctl migrate apply --all --dry-run".to_owned());
    } else if !behind.is_empty() {
        next.push(format!("tenantctl migrate apply --tenant {} --dry-run", behind.join(",")));
    }
    let apart =
        of(|standing| matches!(standing, StatusStanding::Diverged(_) | StatusStanding::Differs(_)));
    match apart.first() {
        Some(slug) if !report.is_verified => {
            next.push(format!("tenantctl migrate status --tenant {slug} --verify"));
        }
        Some(slug) => next.push(format!("tenantctl audit list --tenant {slug}")),
        None => {}
    }
    if let Some(slug) = of(|standing| matches!(standing, StatusStanding::Unknown(_))).first() {
        next.push(format!("tenantctl tenant show {slug}"));
    }
    next
}

/// Returns the word for a standing, and why it is not current.
pub(in crate::output) fn standing_words(
    standing: &StatusStanding,
) -> (&'static str, Option<String>) {
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

/// Those that stand alike: how, why, and who.
type Alike<'r> = Vec<(&'static str, String, Vec<&'r TenantNames>)>;

/// Returns what more than a few tenants have in common that are not current.
fn alike(report: &StatusReport) -> Alike<'_> {
    let mut groups = BTreeMap::new();
    for tenant in &report.tenants {
        let (word, detail) = standing_words(&tenant.standing);
        if tenant.standing != StatusStanding::Current {
            let key = (word, detail.unwrap_or_default());
            groups.entry(key).or_insert_with(Vec::new).push(&tenant.tenant);
        }
    }
    let groups = groups.into_iter().filter(|(_, tenants)| tenants.len() > ALIKE);
    groups.map(|((word, detail), tenants)| (word, detail, tenants)).collect()
}

/// Returns a row for each tenant; in a large fleet only for those that are not current. Many that stand
/// alike are said once, below.
fn standings_table(report: &StatusReport, alike: &Alike<'_>, is_plain: bool) -> Table {
    let is_long = is_plain && report.tenants.len() > FULL_TABLE;
    let is_told_below = |tenant: &TenantStanding| {
        let (word, detail) = standing_words(&tenant.standing);
        let detail = detail.unwrap_or_default();
        alike.iter().any(|(known, why, _)| *known == word && *why == detail)
    };
    let shown = report.tenants.iter().filter(|tenant| {
        !(is_told_below(tenant) || is_long && tenant.standing == StatusStanding::Current)
    });
    let rows = shown.map(|tenant| {
        let (word, detail) = standing_words(&tenant.standing);
        let version = tenant.recorded.as_ref().and_then(|schema| schema.version);
        let status = tenant.status.word();
        let word = match tenant.standing {
            StatusStanding::Current => word.into(),
            StatusStanding::Behind(_) => behind(word),
            _ => bad(word),
        };
        [(&tenant.tenant).into(), status.into(), cell(version), word, cell(detail)]
    });
    Table::new(STATUS_COLUMNS, rows)
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
    let (word, detail) = standing_words(&tenant.standing);
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

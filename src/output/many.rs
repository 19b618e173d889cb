//! A lockdown, an unlock or a revocation of many tenants: one table, one summary.

use serde_json::{Value, json};

use super::fleet::{result_json, summary_json};
use super::json::names_json;
use super::line::{Line, bad, good};
use super::lockdown::{
    layer_json, layer_table, lockdown_json, plan_json, probe_json, probe_table, unlock_json,
};
use super::session::revocation_json;
use super::text::{Table, Text};
use super::view::View;
use super::words::{FULL_TABLE, count, millis, shown, verdict};
use crate::model::ErrorKind;
use crate::services::fleet::{ManyReport, TenantResult, TenantVerdict};
use crate::services::lockdown::{AloneReport, LockdownPlan, LockdownReport, UnlockReport};
use crate::services::session::RevokeReport;

/// Renders what a lockdown of many tenants did and proved.
pub(crate) fn render_lockdowns(report: &ManyReport<LockdownReport>) -> View {
    let results = &report.fleet.results;
    let open: Vec<_> = results
        .iter()
        .filter(|result| {
            report.reports.get(&result.tenant.slug).is_none_or(LockdownReport::is_open)
        })
        .map(|result| result.tenant.to_string())
        .collect();
    let proven = results.iter().filter(|result| is_done(result)).count();
    let lead = Line::from(format_args!("{}: ", count(results.len())));
    let lead = if proven == results.len() {
        lead.and(good("all locked down, and proved"))
    } else if open.is_empty() {
        lead.and(format_args!("{proven} locked down and proved, "))
            .and(bad(format_args!("{} locked down, but not proved", results.len() - proven)))
    } else {
        lead.and(format_args!("{proven} locked down and proved, "))
            .and(bad(format_args!("{} NOT locked down", open.len())))
    };
    let word = |result: &TenantResult| match report.reports.get(&result.tenant.slug) {
        Some(one) if one.ending().is_none() => good("proved"),
        Some(one) if one.is_open() => bad("NOT LOCKED"),
        Some(_) => bad("not proved"),
        None if result.verdict == TenantVerdict::NotBegun => bad("not begun"),
        None => bad("NOT LOCKED"),
    };
    let view = view(report, ("lockdowns", "lockdown"), lead, word, lockdown_json);
    if proven == results.len() {
        return view
            .next(["tenantctl tenant list --locked", "tenantctl unlock --locked --reason '…'"]);
    }
    view.note(
        "Run the same command again: what is locked stays locked, and the rest is tried again.",
    )
    .next(["tenantctl tenant list --locked"])
}

/// Renders what an unlock of many tenants gave back.
pub(crate) fn render_unlocks(report: &ManyReport<UnlockReport>) -> View {
    view(
        report,
        ("unlocks", "unlock"),
        sentence(report, "unlocked"),
        |result| word(result, "unlocked"),
        unlock_json,
    )
}

/// Renders what a revocation in many tenants ended.
pub(crate) fn render_revokes(report: &ManyReport<RevokeReport>) -> View {
    let sessions: i64 = report.reports.values().map(|one| one.sessions).sum();
    let is_dry_run = report.reports.values().any(|one| one.is_dry_run);
    let verb = if is_dry_run { "would be revoked" } else { "revoked" };
    let lead = format!("{sessions} recorded sessions that were valid {verb} in ");
    let lead = Line::from(lead).and(sentence(report, verb));
    view(report, ("revocations", "revocation"), lead, |result| word(result, verb), revocation_json)
        .with("dry_run", json!(is_dry_run))
}

/// Renders what a lockdown or an unlock of many tenants would do.
pub(crate) fn render_lockdown_plans(plans: &[LockdownPlan]) -> View {
    let rows = plans.iter().map(|plan| {
        let sessions = plan.sessions.to_string();
        [
            (&plan.tenant.slug).into(),
            plan.tenant.status.word().into(),
            sessions.into(),
            plan.what().into(),
        ]
    });
    let table = Table::new(["TENANT", "STATUS", "SESSIONS", "PLAN"], rows);
    let text = Text::from(format_args!("{}; nothing is changed.", count(plans.len())));
    let text = if table.is_empty() { text } else { text.blank().and(table) };
    View::list(("plans", "plan"), plans.iter().map(plan_json).collect(), text)
        .with("dry_run", json!(true))
}

/// Renders what was shut from the cluster alone.
pub(crate) fn render_alone(reports: &[AloneReport]) -> View {
    let text = reports.iter().fold(Text::new(), |text, report| {
        let AloneReport { tenant, database, is_dry_run, layers, probes, .. } = report;
        if *is_dry_run {
            return text
                .line(format_args!("`{tenant}` would be shut in {database}, and nowhere else."));
        }
        let word = if report.is_shut() {
            bad("shut in its database, and NOT locked in the control plane")
        } else {
            bad("NOT shut")
        };
        let text = text.line(Line::from(format_args!("`{tenant}` is ")).and(word).and("."));
        text.blank().and(layer_table(layers)).blank().and(probe_table(probes)).blank()
    });
    let values = reports.iter().map(|report| {
        json!({
            "tenant": names_json(&report.tenant),
            "database": report.database.as_str(),
            "layers": report.layers.iter().map(layer_json).collect::<Vec<_>>(),
            "probes": report.probes.iter().map(probe_json).collect::<Vec<_>>(),
            "elapsed_ms": millis(report.elapsed),
        })
    });
    let is_dry_run = reports.iter().any(|report| report.is_dry_run);
    let view = View::list(("shut", "shut"), values.collect(), text)
        .with("without_control_plane", json!(true))
        .with("dry_run", json!(is_dry_run));
    if is_dry_run {
        return view;
    }
    let slugs: Vec<_> = reports.iter().map(|report| report.tenant.to_string()).collect();
    let slugs = slugs.join(" ");
    view.note("Once the control plane answers, lock them there, or give them back:").next([
        format!("tenantctl lockdown {slugs} --reason '…'"),
        format!("tenantctl unlock {slugs} --reason '…'"),
    ])
}

fn view<R>(
    report: &ManyReport<R>,
    nouns: (&'static str, &'static str),
    lead: Line,
    word: impl Fn(&TenantResult) -> Line,
    full: impl Fn(&R) -> Value,
) -> View {
    let fleet = &report.fleet;
    let is_long = fleet.results.len() > FULL_TABLE;
    let told = fleet.results.iter().filter(|result| !is_long || !is_ordinary(result));
    let rows = told.map(|result| {
        let (_, detail) = verdict(&result.verdict);
        let detail = Line::from(detail).shortened(300);
        [(&result.tenant).into(), word(result), shown(result.elapsed).into(), detail]
    });
    let table = Table::new(["TENANT", "OUTCOME", "TOOK", "DETAIL"], rows);
    let lead = lead.and(format_args!(", {}", shown(fleet.elapsed)));
    let mut text = Text::from(lead);
    if !table.is_empty() {
        text = text.blank().and(table);
    }
    let values = fleet.results.iter().map(|result| {
        let mut value = result_json(result);
        // Of a fleet's migrations, and nothing to do with access.
        if let Value::Object(value) = &mut value {
            let _lines = value.remove("applied").or_else(|| value.remove("pending"));
            let _version = value.remove("schema_version");
        }
        if let (Some(one), Value::Object(value)) =
            (report.reports.get(&result.tenant.slug), &mut value)
            && let Value::Object(full) = full(one)
        {
            value.extend(full);
        }
        value
    });
    View::list(nouns, values.collect(), text)
        .with("interrupted", json!(fleet.is_interrupted))
        .with("summary", summary_json(fleet))
        .took(fleet.elapsed)
}

fn sentence<R>(report: &ManyReport<R>, verb: &str) -> Line {
    let results = &report.fleet.results;
    let bad_ones = results.iter().filter(|result| !is_ordinary(result)).count();
    let done = results.iter().filter(|result| is_done(result)).count();
    let parts: Vec<_> =
        [(done, verb), (results.len() - done - bad_ones, "unchanged"), (bad_ones, "not done")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
    Line::from(format_args!("{}: {}", count(results.len()), parts.join(", ")))
}

fn word(result: &TenantResult, done: &str) -> Line {
    match &result.verdict {
        TenantVerdict::Done(_) => good(done),
        TenantVerdict::Planned(_) => done.into(),
        TenantVerdict::Unchanged => "unchanged".into(),
        TenantVerdict::NotBegun => bad("not begun"),
        TenantVerdict::Failed(cause) if cause.kind == ErrorKind::Incomplete => bad("in part"),
        _ => bad("failed"),
    }
}

fn is_done(result: &TenantResult) -> bool {
    matches!(result.verdict, TenantVerdict::Done(_) | TenantVerdict::Planned(_))
}

fn is_ordinary(result: &TenantResult) -> bool {
    is_done(result) || result.verdict == TenantVerdict::Unchanged
}

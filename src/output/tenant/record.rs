//! One tenant: its address, its protection, its properties.

use serde_json::json;

use crate::model::{Lock, Tenant, TenantStatus};
use crate::output::json::{id_and_slug, tenant_json};
use crate::output::line::{Line, bad, behind, dim};
use crate::output::text::Facts;
use crate::output::view::View;
use crate::services::tenant::{AddressReport, ProtectReport, UpdateReport};

/// Renders a connection string: the text is the string alone, so that a shell can use it.
pub(crate) fn render_address(report: &AddressReport) -> View {
    let view = match &report.revealed {
        Some(url) => View::revealed("url", url),
        None => View::item("url", json!(report.masked), &report.masked),
    };
    view.with("tenant", id_and_slug(report.tenant.id, &report.tenant.slug))
        .with("credential", json!(if report.is_kept { "sealed" } else { "not_kept" }))
}

/// Renders a switched protection.
pub(crate) fn render_protect(report: &ProtectReport) -> View {
    let tenant = &report.tenant;
    let word = if report.is_protected { "protected" } else { "not protected" };
    let already = if report.has_changed { "" } else { " (it was before)" };
    let facts = Facts::new().fact("tenant", format_args!("{} is {word}{already}", tenant.slug));
    let mut value = tenant_json(tenant);
    value["protected"] = json!(report.is_protected);
    View::item("tenant", value, facts).with("changed", json!(report.has_changed))
}

/// Renders what switching the protection would do.
pub(crate) fn render_protect_plan(report: &ProtectReport) -> View {
    render_protect(report).into_plan()
}

/// Renders what a new password would change.
pub(crate) fn render_rotate_plan(report: &AddressReport) -> View {
    render_address(report).into_plan()
}

/// Renders what an update changed, or would change.
pub(crate) fn render_update(report: &UpdateReport) -> View {
    let verb = match (report.is_dry_run, report.changes.is_empty()) {
        (_, true) => "unchanged",
        (true, false) => "would be updated",
        (false, false) => "updated",
    };
    let facts = Facts::new().fact("tenant", format_args!("{} ({verb})", report.tenant.slug));
    let shown =
        |value: &Option<String>| value.as_ref().map_or("none".to_owned(), |v| format!("`{v}`"));
    let facts = report.changes.iter().fold(facts, |facts, change| {
        let (before, after) = (shown(&change.before), shown(&change.after));
        facts.fact("changed", format_args!("{}: {before} → {after}", change.property))
    });
    let changes = report.changes.iter().map(|change| {
        json!({ "property": change.property, "before": change.before, "after": change.after })
    });
    let view = View::item("tenant", tenant_json(&report.tenant), facts)
        .with("changed", json!(!report.changes.is_empty()))
        .with("changes", changes.collect())
        .with("dry_run", json!(report.is_dry_run));
    if report.is_dry_run { view.into_plan() } else { view }
}

/// Returns a fact about the database, or about the project whose only one it is.
pub(super) fn place_fact(tenant: &Tenant, what: &str) -> (&'static str, Option<String>) {
    let noun = if tenant.project_ref.is_some() { "project" } else { "database" };
    (noun, place_of(tenant).map(|place| format!("{place}{what}")))
}

/// Returns the name of the database, or of the project whose only one it is.
pub(super) fn place_of(tenant: &Tenant) -> Option<String> {
    let project = tenant.project_ref.as_ref().map(ToString::to_string);
    project.or_else(|| tenant.database.as_ref().map(ToString::to_string))
}

pub(super) fn address_of(tenant: &Tenant) -> Option<String> {
    tenant.host.as_ref().zip(tenant.port).map(|(host, port)| format!("{host}:{port}"))
}

pub(super) fn status_word(tenant: &Tenant) -> String {
    let mut words = vec![tenant.status.word()];
    match &tenant.lock {
        Some(Lock { proven_at: Some(_), .. }) => words.push("locked"),
        Some(Lock { proven_at: None, .. }) => words.push("locked unproven"),
        None => {}
    }
    words.extend(tenant.quarantine.as_ref().map(|_| "quarantined"));
    words.join(", ")
}

/// Returns the same with a colour for what somebody has to look at.
pub(super) fn status_line(tenant: &Tenant) -> Line {
    let word = status_word(tenant);
    match tenant.status {
        _ if tenant.lock.is_some() || tenant.quarantine.is_some() => bad(word),
        TenantStatus::Active => word.into(),
        TenantStatus::Provisioning => behind(word),
        TenantStatus::Deleted | TenantStatus::Purging | TenantStatus::Purged => dim(word),
    }
}

pub(super) fn schema_of(tenant: &Tenant) -> Option<String> {
    let schema = tenant.schema.as_ref()?;
    let version = schema.version.map_or_else(|| "empty".to_owned(), |v| v.to_string());
    Some(format!("{version} ({})", schema.fingerprint))
}

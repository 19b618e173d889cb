//! One tenant: its record, its address, its protection.

use serde_json::{Value, json};

use crate::model::{Lock, Tenant, TenantStatus, instant, instant_ms};
use crate::output::json::{id_and_slug, tenant_json};
use crate::output::line::{Line, bad, behind, dim};
use crate::output::text::{Facts, Table, Text, cell};
use crate::output::view::View;
use crate::services::tenant::{AddressReport, ProtectReport, TenantDetails, UpdateReport};

/// Renders one tenant with what was last done to it.
pub(crate) fn render_tenant(details: &TenantDetails) -> View {
    let tenant = &details.tenant;
    let text = Text::from(record_facts(tenant)).and(last_operation(details));
    View::item("tenant", tenant_json(tenant), text).with("operation", operation_json(details))
}

fn record_facts(tenant: &Tenant) -> Facts {
    let labels: Vec<_> = tenant.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let quarantined =
        tenant.quarantine.as_ref().map(|q| format!("since {}: {}", instant(q.at), q.reason));
    let locked = tenant.lock.as_ref().map(|lock| {
        let proof = match lock.proven_at {
            Some(at) => format!("proved {}", instant(at)),
            None => "NOT proved".to_owned(),
        };
        format!("since {} by {}, {proof}: {}", instant(lock.since), lock.by, lock.reason)
    });
    Facts::new()
        .fact("tenant", &tenant.slug)
        .fact("id", tenant.id)
        .fact("name", &tenant.name)
        .fact("status", status_line(tenant))
        .some("plan", tenant.plan.as_ref())
        .some("labels", (!labels.is_empty()).then(|| labels.join(", ")))
        .fact("placement", tenant.placement.word())
        .some("project", tenant.project_ref.as_ref())
        .some("region", tenant.region.as_ref())
        .some("database", tenant.database.as_ref())
        .some("address", address_of(tenant))
        .some("schema", schema_of(tenant))
        .fact("password", if tenant.credential.is_some() { "sealed" } else { "not kept" })
        .some("protected", tenant.is_protected.then_some("yes"))
        .some("quarantined", quarantined)
        .some("locked", locked)
        .some("purge after", tenant.purge_after.map(instant))
        .fact("created", instant(tenant.created_at))
        .fact("updated", instant(tenant.updated_at))
}

fn last_operation(details: &TenantDetails) -> Text {
    let Some(operation) = &details.operation else { return Text::new() };
    let failed =
        operation.last_error.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
    let line = format!(
        "{} {} at step `{}` by {}, {}{failed}",
        operation.kind.word(),
        operation.state.word(),
        operation.step,
        operation.actor,
        instant(operation.updated_at)
    );
    let text = Text::new().blank().and(Facts::new().fact("last operation", line));
    let rows = details.steps.iter().map(|step| {
        let took = step.elapsed_ms.map(|ms| format!("{ms} ms"));
        let outcome = step.outcome.as_deref().unwrap_or("not done");
        [(&step.step).into(), step.attempt.into(), cell(took), outcome.into()]
    });
    let table = Table::new(["STEP", "ATTEMPT", "TOOK", "OUTCOME"], rows);
    if table.is_empty() { text } else { text.blank().and(table) }
}

fn operation_json(details: &TenantDetails) -> Value {
    let Some(operation) = &details.operation else { return Value::Null };
    let steps = details.steps.iter().map(|step| {
        json!({
            "step": step.step, "attempt": step.attempt,
            "outcome": if step.outcome.is_some() { "done" } else { "not_done" },
            "detail": step.outcome, "elapsed_ms": step.elapsed_ms,
        })
    });
    json!({
        "id": operation.id.to_string(),
        "kind": operation.kind.word(),
        "state": operation.state.word(),
        "step": operation.step,
        "actor": operation.actor,
        "holder": operation.holder,
        "last_error": operation.last_error,
        "started_at": instant_ms(operation.started_at),
        "updated_at": instant_ms(operation.updated_at),
        "steps": steps.collect::<Value>(),
    })
}

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
        (_, true) => "as it was",
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

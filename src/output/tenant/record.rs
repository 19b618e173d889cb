//! One tenant: its record, its address, its protection.

use serde_json::{Value, json};

use crate::model::Tenant;
use crate::output::console::Console;
use crate::output::json::tenant_json;
use crate::output::table;
use crate::output::view::View;
use crate::output::words::instant;
use crate::services::tenant::{AddressReport, ProtectReport, TenantDetails};

/// Renders one tenant with what was last done to it.
pub fn render_tenant(console: &Console, details: &TenantDetails) -> View {
    let tenant = &details.tenant;
    let labels: Vec<_> = tenant.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut text = table::facts(
        console,
        &[
            ("tenant", Some(tenant.slug.to_string())),
            ("id", Some(tenant.id.to_string())),
            ("name", Some(tenant.name.clone())),
            ("status", Some(status_word(tenant))),
            ("plan", tenant.plan.clone()),
            ("labels", (!labels.is_empty()).then(|| labels.join(", "))),
            ("placement", Some(tenant.placement.word().to_owned())),
            ("project", tenant.project_ref.as_ref().map(ToString::to_string)),
            ("region", tenant.region.clone()),
            ("database", tenant.database.as_ref().map(ToString::to_string)),
            ("address", tenant.host.as_ref().zip(tenant.port).map(|(h, p)| format!("{h}:{p}"))),
            ("schema", schema_of(tenant)),
            (
                "password",
                Some(if tenant.credential.is_some() { "sealed" } else { "not kept" }.to_owned()),
            ),
            ("protected", tenant.is_protected.then(|| "yes".to_owned())),
            (
                "quarantined",
                tenant
                    .quarantine
                    .as_ref()
                    .map(|q| format!("since {}: {}", instant(q.at), q.reason)),
            ),
            (
                "locked",
                tenant.locked_at.map(|at| {
                    format!(
                        "since {}: {}",
                        instant(at),
                        tenant.lock_reason.as_deref().unwrap_or("")
                    )
                }),
            ),
            ("purge after", tenant.purge_after.map(instant)),
            ("created", Some(instant(tenant.created_at))),
            ("updated", Some(instant(tenant.updated_at))),
        ],
    );
    let mut operation_json = Value::Null;
    if let Some(operation) = &details.operation {
        let failed =
            operation.last_error.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
        let line = format!(
            "{} {} at step `{}` by {}, {}{failed}",
            operation.kind,
            operation.state,
            operation.step,
            operation.actor,
            instant(operation.updated_at)
        );
        text.push_str("\n\n");
        text.push_str(&table::facts(console, &[("last operation", Some(line))]));
        let rows: Vec<_> = details
            .steps
            .iter()
            .map(|step| {
                let ms = step.elapsed_ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
                vec![
                    step.step.clone(),
                    step.attempt.to_string(),
                    ms,
                    step.outcome.clone().unwrap_or_else(|| "not done".to_owned()),
                ]
            })
            .collect();
        if !rows.is_empty() {
            let steps = table::table(console, &["STEP", "ATTEMPT", "TOOK", "OUTCOME"], rows);
            text.extend(["\n\n", &steps]);
        }
        operation_json = json!({
            "id": operation.id.to_string(),
            "kind": operation.kind,
            "state": operation.state,
            "step": operation.step,
            "actor": operation.actor,
            "holder": operation.holder,
            "last_error": operation.last_error,
            "started_at": instant(operation.started_at),
            "updated_at": instant(operation.updated_at),
            "steps": details.steps.iter().map(|step| json!({
                "step": step.step, "attempt": step.attempt,
                "elapsed_ms": step.elapsed_ms, "outcome": step.outcome,
            })).collect::<Vec<_>>(),
        });
    }
    View::item("tenant", tenant_json(tenant), text).with("operation", operation_json)
}

/// Renders a connection string: the text is the string alone, so that a shell can use it.
pub fn render_address(report: &AddressReport) -> View {
    let shown = report.revealed.as_ref().map_or(&report.masked, |url| url.expose());
    let value = json!(shown);
    View::item("url", value, shown.clone())
        .with("tenant", json!(report.tenant.slug.as_str()))
        .with("credential", json!(if report.is_kept { "sealed" } else { "not_kept" }))
}

/// Renders a switched protection.
pub fn render_protect(console: &Console, report: &ProtectReport) -> View {
    let tenant = &report.tenant;
    let word = if tenant.is_protected { "protected" } else { "not protected" };
    let already = if report.has_changed { "" } else { " (it was before)" };
    let text =
        table::facts(console, &[("tenant", Some(format!("{} is {word}{already}", tenant.slug)))]);
    View::item("tenant", tenant_json(tenant), text).with("changed", json!(report.has_changed))
}

/// Returns a fact about the database, or about the project whose only one it is.
pub(super) fn place_and(tenant: &Tenant, what: &str) -> (&'static str, Option<String>) {
    let noun = if tenant.project_ref.is_some() { "project" } else { "database" };
    let place = place_of(tenant);
    (noun, (!place.is_empty()).then(|| format!("{place}{what}")))
}

/// Returns the name of the database, or of the project whose only one it is.
pub(super) fn place_of(tenant: &Tenant) -> String {
    let project = tenant.project_ref.as_ref().map(ToString::to_string);
    project.or_else(|| tenant.database.as_ref().map(ToString::to_string)).unwrap_or_default()
}

pub(super) fn status_word(tenant: &Tenant) -> String {
    match (&tenant.quarantine, tenant.status) {
        (Some(_), status) => format!("{status}, quarantined"),
        (None, status) => status.word().to_owned(),
    }
}

pub(super) fn schema_of(tenant: &Tenant) -> Option<String> {
    let schema = tenant.schema.as_ref()?;
    let version = schema.version.map_or_else(|| "empty".to_owned(), |v| v.to_string());
    Some(format!("{version} ({})", schema.fingerprint))
}

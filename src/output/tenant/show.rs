//! One tenant: its record, whether it is there, and what was last done to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{instant, instant_ms};
use crate::output::line::{Line, bad, behind, good};
use crate::output::tenant::list::{listed_json, standing};
use crate::output::tenant::record::{address_of, schema_of};
use crate::output::text::{Facts, Table, Text, cell};
use crate::output::view::View;
use crate::output::words::shown;
use crate::services::audit::{AuditOutcome, AuditRow};
use crate::services::tenant::{ListedTenant, TenantDetails};

/// Renders one tenant with what was last done to it.
pub(crate) fn render_tenant(details: &TenantDetails) -> View {
    let facts = record_facts(&details.listed).some("last act", details.act.as_ref().map(last_act));
    let text = Text::from(facts).and(last_operation(details));
    View::item("tenant", listed_json(&details.listed), text)
        .with("last_act", details.act.as_ref().map_or(Value::Null, last_act_json))
        .with("operation", operation_json(details))
}

/// Returns what was last done to a tenant, by whom and when.
fn last_act(act: &AuditRow) -> Line {
    let AuditRow { action, actor, at, reason, outcome, .. } = act;
    let outcome = match outcome {
        AuditOutcome::Done => good("done"),
        AuditOutcome::Failed => bad("failed"),
        AuditOutcome::Intent => behind("begun, and no end of it is recorded"),
        AuditOutcome::Unchanged => "nothing to do".into(),
    };
    let reason = reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    Line::from(format_args!("{action}, "))
        .and(outcome)
        .and(format_args!(", by {actor}, {}{reason}", instant(*at)))
}

fn last_act_json(act: &AuditRow) -> Value {
    json!({
        "action": act.action,
        "outcome": act.outcome.word(),
        "actor": act.actor,
        "at": instant_ms(act.at),
        "reason": act.reason,
    })
}

fn record_facts(listed: &ListedTenant) -> Facts {
    let tenant = &listed.tenant;
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
        .fact("status", standing(listed))
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
    let is_of_note = details.is_operation_of_note();
    let Some(operation) = details.operation.as_ref().filter(|_| is_of_note) else {
        return Text::new();
    };
    let failed =
        operation.last_error.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
    let line = format!(
        "{} {} at the step `{}` by {}, {}{failed}",
        operation.kind.word(),
        operation.state.word(),
        details.title_of(&operation.step),
        operation.actor,
        instant(operation.updated_at)
    );
    let text = Text::new().blank().and(Facts::new().fact("in steps", line));
    let rows = details.steps.iter().map(|step| {
        let took = step.elapsed_ms.and_then(|ms| u64::try_from(ms).ok());
        let took = took.map(|ms| shown(Duration::from_millis(ms)));
        let outcome = step.outcome.as_deref().unwrap_or("not done");
        [details.title_of(&step.step).into(), step.attempt.into(), cell(took), outcome.into()]
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

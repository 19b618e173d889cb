//! `tenant update`: a tenant's name, plan and labels. Its slug and its id are what others know it by and
//! never change.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Connection;

use super::error::TenantError;
use super::operation::find;
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane, Properties};
use crate::adapters::postgres::PgError;
use crate::model::{Act, Actor, LabelChange, Tenant, TenantName, TenantRef, TenantStatus};
use crate::services::audit::Entry;

/// What to change; what is none stays.
#[derive(Debug)]
pub(crate) struct UpdateRequest {
    pub tenant: TenantRef,
    pub name: Option<TenantName>,
    pub plan: Option<String>,
    /// In the order they were given: of two for one key the later counts.
    pub labels: Vec<LabelChange>,
    pub actor: Actor,
    pub is_dry_run: bool,
}

/// A property that differs from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PropertyChange {
    /// `name`, `plan`, or `label KEY`.
    pub property: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpdateReport {
    /// The tenant as it is afterwards, or would be.
    pub tenant: Tenant,
    /// What differs from before; nothing when it all was so already.
    pub changes: Vec<PropertyChange>,
    pub is_dry_run: bool,
}

/// Changes a tenant's properties, in one transaction with its row held: two at once both count.
///
/// # Errors
/// When there is no such tenant, or it is being purged.
pub(crate) async fn run(
    plane: &ControlPlane,
    request: &UpdateRequest,
) -> Result<UpdateReport, TenantError> {
    let tenant = find(plane, &request.tenant).await?;
    let mut session = plane.session().await?;
    let doing = || PgError::doing("update the tenant");
    let mut transaction = session.begin().await.map_err(doing())?;
    control_plane::hold_tenant(&mut transaction, tenant.id).await?;
    let held = control_plane::find_by_id(&mut transaction, tenant.id).await?;
    let before = held.filter(|held| held.status != TenantStatus::Purged);
    let before = before.ok_or_else(|| TenantError::NotFound(request.tenant.to_string()))?;
    if before.status == TenantStatus::Purging {
        return Err(TenantError::wrong_state(Act::Update, &before));
    }
    let mut after = changed(&before, request);
    let changes = differences(&before, &after);
    if !request.is_dry_run {
        let entry = Entry::new(Act::Update, &request.actor).about(&before);
        let detail = serde_json::json!({
            "changes": changes.iter().map(|c| c.property.as_str()).collect::<Vec<_>>(),
        });
        let entry = entry.intent(&mut transaction, detail).await?;
        let properties =
            Properties { name: &after.name, plan: after.plan.as_deref(), labels: &after.labels };
        control_plane::set_properties(&mut transaction, before.id, &properties).await?;
        let recorded = control_plane::find_by_id(&mut transaction, before.id).await?;
        after = recorded.unwrap_or(after);
        let outcome = if changes.is_empty() { AuditOutcome::Unchanged } else { AuditOutcome::Done };
        entry.end(&mut transaction, outcome, serde_json::json!({})).await?;
        transaction.commit().await.map_err(doing())?;
    }
    Ok(UpdateReport { tenant: after, changes, is_dry_run: request.is_dry_run })
}

fn changed(before: &Tenant, request: &UpdateRequest) -> Tenant {
    let mut labels = before.labels.clone();
    for change in &request.labels {
        match change {
            LabelChange::Set(label) => {
                labels.insert(label.key.clone(), label.value.clone());
            }
            LabelChange::Remove(key) => {
                labels.remove(key);
            }
        }
    }
    let name = request.name.as_ref().map(|name| name.as_str().to_owned());
    Tenant {
        name: name.unwrap_or_else(|| before.name.clone()),
        plan: request.plan.clone().or_else(|| before.plan.clone()),
        labels,
        ..before.clone()
    }
}

fn differences(before: &Tenant, after: &Tenant) -> Vec<PropertyChange> {
    let properties = |tenant: &Tenant| {
        let name = [("name".to_owned(), tenant.name.clone())];
        let plan = tenant.plan.iter().map(|plan| ("plan".to_owned(), plan.clone()));
        let labels =
            tenant.labels.iter().map(|(key, value)| (format!("label {key}"), value.clone()));
        name.into_iter().chain(plan).chain(labels).collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (properties(before), properties(after));
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |property: &String| {
        let (before, after) = (before.get(property), after.get(property));
        (before != after).then(|| PropertyChange {
            property: property.clone(),
            before: before.cloned(),
            after: after.cloned(),
        })
    };
    all.into_iter().filter_map(change).collect()
}

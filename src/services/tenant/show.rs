//! `tenant show`: one tenant's record, what was last done to it, and whether it is there.

use std::time::Duration;

use super::create::{self, RESERVE};
use super::error::TenantError;
use super::list::ListedTenant;
use super::{delete, purge, restore};
use crate::adapters::control_plane::{
    self, AuditFilter, AuditRow, Operation, OperationState, StepRecord,
};
use crate::model::{Act, Classified, Patience, TenantRef};
use crate::services::home::{Presence, World};
use crate::services::saga::SagaStep;

/// How long the place may take to tell what it holds: the record is shown without it.
const LOOK: Duration = Duration::from_secs(3);

/// A tenant with what was last done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantDetails {
    /// As recorded, and how that compares with what is there.
    pub listed: ListedTenant,
    /// Why it was not compared.
    pub unlooked: Option<String>,
    /// The last act of any kind, by the audit trail.
    pub act: Option<AuditRow>,
    /// The last act that runs in steps, open or not.
    pub operation: Option<Operation>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

impl TenantDetails {
    /// Returns what people read of a step of the last operation; its word where it is of another
    /// tenantctl.
    pub(crate) fn title_of(&self, word: &str) -> String {
        let known = self.operation.as_ref().and_then(|operation| match operation.kind {
            Act::Create | Act::Adopt => [RESERVE, ASKED]
                .into_iter()
                .chain(create::STEPS.map(named))
                .find(|(known, _)| *known == word),
            Act::Delete => delete::STEPS.map(named).into_iter().find(|(known, _)| *known == word),
            Act::Restore => restore::STEPS.map(named).into_iter().find(|(known, _)| *known == word),
            Act::Purge => purge::STEPS.map(named).into_iter().find(|(known, _)| *known == word),
            _ => None,
        });
        known.map_or(word, |(_, title)| title).to_owned()
    }

    /// Returns whether the last act in steps is the last act, or not over.
    pub(crate) fn is_operation_of_note(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| {
            let is_last =
                self.act.as_ref().is_none_or(|act| act.operation_id == Some(operation.id));
            is_last || operation.state != OperationState::Done
        })
    }
}

/// What is recorded beside the steps: that a project was asked for.
const ASKED: (&str, &str) = ("post", "Ask for the project");

fn named(step: impl SagaStep) -> (&'static str, &'static str) {
    (step.word(), step.title())
}

/// Returns a tenant and what was last done to it; a purged one when no tenant has the slug now.
///
/// # Errors
/// When no tenant ever had the slug. A place that does not answer is none.
pub(crate) async fn show(
    world: &World,
    named: &TenantRef,
    patience: Patience,
) -> Result<TenantDetails, TenantError> {
    let mut session = world.plane.session().await?;
    let tenant = control_plane::find_any(&mut session, named).await?;
    let tenant = tenant.ok_or_else(|| TenantError::NotFound(named.to_string()))?;
    let filter =
        AuditFilter { tenants: Some(vec![tenant.id]), by_act: true, ..AuditFilter::default() };
    let act = control_plane::list_audit(&mut session, &filter, 0, false, 1).await?.pop();
    let operation = control_plane::latest_operation(&mut session, tenant.id).await?;
    let steps = match &operation {
        Some(operation) => control_plane::steps(&mut session, operation.id).await?,
        None => Vec::new(),
    };
    drop(session);
    let deadline = patience.until_within(LOOK);
    let looked = tokio::time::timeout_at(deadline, world.homes.presence(&tenant, deadline));
    let (presence, unlooked) = match looked.await {
        Ok(Ok(presence)) => (presence, None),
        Ok(Err(error)) => (Presence::Unknown, Some(error.chain().join(": "))),
        Err(_elapsed) => (Presence::Unknown, Some("it does not answer in time".to_owned())),
    };
    let listed = ListedTenant { tenant, presence };
    Ok(TenantDetails { listed, unlooked, act, operation, steps })
}

//! `tenant purge --due`: every deleted tenant whose grace is over.

use super::error::TenantError;
use super::purge::{self, PurgeReport, PurgeRequest};
use crate::adapters::control_plane::{self, ControlPlane, TenantFilter};
use crate::model::{
    Actor, Classified, Consent, ErrorKind, Interrupt, Patience, Tenant, TenantNames, TenantStatus,
};
use crate::services::home::World;
use crate::services::saga::StepEvent;

/// Every tenant that is due, to be destroyed.
#[derive(Debug)]
pub(crate) struct PurgeDueRequest {
    /// The tenants that were shown to the operator.
    pub tenants: Vec<Tenant>,
    /// How long to wait for locks and sessions of each.
    pub patience: Patience,
    pub actor: Actor,
}

/// What purging those that are due did.
#[derive(Debug)]
pub(crate) struct PurgeDueReport {
    /// Those that are gone.
    pub purged: Vec<PurgeReport>,
    /// Those that are not.
    pub failed: Vec<DueFailure>,
}

/// Why a tenant that is due was not purged.
#[derive(Debug)]
pub(crate) struct DueFailure {
    pub tenant: TenantNames,
    pub kind: ErrorKind,
    /// The message and its causes, outermost first.
    pub chain: Vec<String>,
    pub hint: Option<String>,
}

/// Returns the deleted tenants whose grace is over by the database's clock, and those whose purge
/// was begun.
pub(crate) async fn due(plane: &ControlPlane) -> Result<Vec<Tenant>, TenantError> {
    let mut session = plane.session().await?;
    let now = control_plane::now(&mut session).await?;
    let mut found = Vec::new();
    for status in [TenantStatus::Deleted, TenantStatus::Purging] {
        let filter = TenantFilter { status: Some(status), ..TenantFilter::default() };
        let tenants = control_plane::list_page(&mut session, &filter, None, i64::MAX).await?;
        let is_due = |tenant: &Tenant| {
            status == TenantStatus::Purging || tenant.purge_after.is_some_and(|at| at <= now)
        };
        found.extend(tenants.into_iter().filter(is_due));
    }
    Ok(found)
}

/// Destroys them one after the other; one that fails does not keep the others.
///
/// # Errors
/// When the operator stopped it.
pub(crate) async fn purge_due(
    world: &World,
    request: PurgeDueRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<PurgeDueReport, TenantError> {
    let mut report = PurgeDueReport { purged: Vec::new(), failed: Vec::new() };
    let now = control_plane::now(&mut *world.plane.session().await?).await?;
    for tenant in request.tenants {
        let Some(consent) = Consent::by_grace(&tenant, now) else { continue };
        let one =
            PurgeRequest { consent, patience: request.patience, actor: request.actor.clone() };
        match purge::run(world, &one, interrupt, on_event).await {
            Ok(done) => report.purged.push(done),
            Err(error @ TenantError::Interrupted { .. }) => return Err(error),
            Err(error) => report.failed.push(DueFailure {
                tenant: TenantNames::from(&tenant),
                kind: error.kind(),
                chain: error.chain(),
                hint: error.hint(),
            }),
        }
    }
    Ok(report)
}

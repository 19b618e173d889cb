//! Being the only one who works on a tenant, and the operation that says so.
//!
//! The lock lives on a session of its own and with it dies when the process does; the journal's
//! lease keeps a process out that was suspended and wakes up late.

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::super::TenantError;
use super::super::trail::Trail;
use crate::adapters::control_plane::{
    self, AuditOutcome, ControlPlane, ControlPlaneError, Lease, Marks, NewOperation, OperationKind,
};
use crate::adapters::postgres::{Lock, LockKey, LockServer, PgError, Purpose, hold_until};
use crate::adapters::server::{GateMarks, Identity, Server, ServerError};
use crate::model::{
    Actor, Interrupt, Placement, Slug, Tenant, TenantId, hex, instant, project_name, sha256,
};
use crate::services::home::Homes;
use crate::services::saga::{self, Halt, Journal, Saga, StepEvent, StepReport};

/// Takes the tenant's control lock and returns the session that holds it, with the tenant as it is
/// now that nobody else can change it.
pub(in crate::services::tenant) async fn take(
    plane: &ControlPlane,
    tenant: &Tenant,
    purpose: &'static str,
    deadline: Instant,
) -> Result<(PgConnection, Tenant), TenantError> {
    let mut connection = lock(plane, &tenant.slug, tenant.id, purpose, deadline).await?;
    let now = control_plane::find_by_id(&mut connection, tenant.id).await?;
    let now = now.ok_or_else(|| TenantError::NotFound(tenant.slug.to_string()))?;
    Ok((connection, now))
}

/// Returns a session that holds a tenant's control lock.
pub(in crate::services::tenant) async fn lock(
    plane: &ControlPlane,
    slug: &Slug,
    id: TenantId,
    purpose: &'static str,
    deadline: Instant,
) -> Result<PgConnection, TenantError> {
    let mut connection = plane.dedicated(purpose).await?;
    let what = format!("tenant `{slug}`");
    let lock = Lock::new(LockKey::of("tenant", id.0), what, LockServer::ControlPlane);
    hold_until(&mut connection, &lock, deadline).await.map_err(ControlPlaneError::from)?;
    Ok(connection)
}

/// Returns what a gate is told.
pub(in crate::services::tenant) fn gate_marks(marks: Marks) -> GateMarks {
    GateMarks { epoch: marks.epoch, not_before: marks.not_before }
}

/// Finds the tenant that has the slug now, purged ones aside.
pub(in crate::services::tenant) async fn find(
    plane: &ControlPlane,
    slug: &Slug,
) -> Result<Tenant, TenantError> {
    let found = control_plane::find_live(&mut *plane.session().await?, slug).await?;
    found.ok_or_else(|| TenantError::NotFound(slug.to_string()))
}

/// Refuses a tenant whose record the evidence contradicts.
pub(in crate::services::tenant) fn refuse_quarantined(
    tenant: &Tenant,
    wanted: &'static str,
) -> Result<(), TenantError> {
    match &tenant.quarantine {
        None => Ok(()),
        Some(quarantine) => Err(TenantError::Quarantined {
            wanted,
            slug: tenant.slug.to_string(),
            since: instant(quarantine.at),
            reason: quarantine.reason.clone(),
        }),
    }
}

/// Looks at a quarantined tenant again, and refuses it while the evidence still contradicts.
///
/// A person who moved the stranger away has decided; nothing else lifts a quarantine.
pub(in crate::services::tenant) async fn settle_quarantine(
    connection: &mut PgConnection,
    (places, plane): (&Homes, &ControlPlane),
    tenant: &Tenant,
    wanted: &'static str,
    deadline: Instant,
) -> Result<(), TenantError> {
    let (Some(_), Some(name)) = (&tenant.quarantine, &tenant.database) else {
        return settle_without_database(connection, places, tenant, wanted, deadline).await;
    };
    let cluster = places.cluster();
    let identity = Identity::of(tenant, plane.id());
    if let (Placement::Project, Some(project)) = (tenant.placement, &tenant.project_ref) {
        let purpose = Purpose::query("look");
        let (home, mut session) = places.operator(plane, tenant, purpose, deadline).await?;
        let is_ours = home.refuse_stranger(&mut session, &identity, project).await;
        // One without a stamp is ours only while nothing was registered.
        if !is_ours.is_ok_and(|is_stamped| is_stamped || tenant.host.is_none()) {
            return refuse_quarantined(tenant, wanted);
        }
        control_plane::lift_quarantine(connection, tenant.id).await?;
        return Ok(());
    }
    let mut operator = cluster.operator(Purpose::query("look")).await?;
    if let Some(found) = cluster.look(&mut operator, name).await?
        && cluster.check_ours(name, &identity, &found, tenant.database_oid).is_err()
    {
        return refuse_quarantined(tenant, wanted);
    }
    control_plane::lift_quarantine(connection, tenant.id).await?;
    Ok(())
}

/// Returns whether a tenant is an adoption that came to nothing: then what it was to have is left
/// alone, unless it is stamped already, and a quarantine says only that it is another's.
pub(in crate::services::tenant) async fn settle_adoption(
    connection: &mut PgConnection,
    tenant: &Tenant,
) -> Result<bool, TenantError> {
    let is_bare =
        tenant.host.is_none() && control_plane::was_taken_in(connection, tenant.id).await?;
    if is_bare && tenant.quarantine.is_some() {
        control_plane::lift_quarantine(connection, tenant.id).await?;
    }
    Ok(is_bare)
}

/// A tenant that was quarantined before it had a database: because two projects carry its name.
async fn settle_without_database(
    connection: &mut PgConnection,
    places: &Homes,
    tenant: &Tenant,
    wanted: &'static str,
    deadline: Instant,
) -> Result<(), TenantError> {
    if tenant.quarantine.is_none() {
        return Ok(());
    }
    let name = project_name(&tenant.slug, tenant.id);
    if tenant.placement != Placement::Project
        || places.projects()?.find(&name, deadline).await.is_err()
    {
        return refuse_quarantined(tenant, wanted);
    }
    control_plane::lift_quarantine(connection, tenant.id).await?;
    Ok(())
}

/// What an operation is, for the journal and the audit trail.
pub(in crate::services::tenant) struct Opening<'a> {
    pub(in crate::services::tenant) kind: OperationKind,
    pub(in crate::services::tenant) action: &'static str,
    pub(in crate::services::tenant) request: serde_json::Value,
    pub(in crate::services::tenant) first_step: &'static str,
    pub(in crate::services::tenant) actor: &'a Actor,
}

/// Opens an operation, or takes over the open one of the same kind; another kind's is given up.
/// Journal and audit intent are one commit.
pub(in crate::services::tenant) async fn open(
    mut connection: PgConnection,
    tenant: &Tenant,
    opening: Opening<'_>,
) -> Result<(Journal, Trail, bool), TenantError> {
    let doing = || PgError::doing("open the operation");
    let mut transaction = connection.begin().await.map_err(doing())?;
    let (lease, trail, is_continued) = open_in(&mut transaction, tenant, opening).await?;
    transaction.commit().await.map_err(doing())?;
    Ok((Journal { connection, lease }, trail, is_continued))
}

/// Does the same in a transaction that brings more.
pub(in crate::services::tenant) async fn open_in(
    transaction: &mut PgConnection,
    tenant: &Tenant,
    opening: Opening<'_>,
) -> Result<(Lease, Trail, bool), TenantError> {
    let holder = holder();
    let open = control_plane::open_operation(transaction, tenant.id).await?;
    let (lease, is_continued) = match open {
        Some(operation) if operation.kind == opening.kind.word() => {
            (control_plane::take_over(transaction, operation.id, &holder).await?, true)
        }
        other => {
            if other.is_some() {
                control_plane::supersede(transaction, tenant.id).await?;
            }
            let new = NewOperation {
                tenant_id: tenant.id,
                kind: opening.kind,
                fingerprint: fingerprint(&opening.request),
                request: opening.request.clone(),
                step: opening.first_step,
                actor: opening.actor,
                holder: &holder,
            };
            (control_plane::start(transaction, &new).await?, false)
        }
    };
    let trail = Trail {
        actor: opening.actor.clone(),
        action: opening.action,
        tenant_id: tenant.id,
        slug: tenant.slug.clone(),
        operation_id: lease.operation_id,
    };
    let detail = serde_json::json!({ "request": opening.request, "continued": is_continued });
    trail.append(transaction, AuditOutcome::Intent, detail).await?;
    Ok((lease, trail, is_continued))
}

/// Opens a session on the cluster that may change the tenant's database, and makes sure that nobody
/// has taken the operation over.
///
/// In this order it holds even for a process that was suspended at the worst moment: whoever takes
/// the operation over needs the lock that the acting session itself holds, and when that session is
/// gone, so is the means to act.
pub(in crate::services::tenant) async fn act_on(
    cluster: &Server,
    identity: &Identity,
    purpose: Purpose,
    journal: &mut Journal,
    deadline: Instant,
) -> Result<PgConnection, TenantError> {
    let session = cluster.operator(purpose).await?;
    hold_on(cluster, session, identity, journal, deadline).await
}

/// Does the same where a tenant lives, whichever place that is.
pub(in crate::services::tenant) async fn act_at_home(
    (places, plane): (&Homes, &ControlPlane),
    tenant: &Tenant,
    purpose: Purpose,
    journal: &mut Journal,
    deadline: Instant,
) -> Result<(Server, PgConnection), TenantError> {
    let (home, session) = places.operator(plane, tenant, purpose, deadline).await?;
    let identity = Identity::of(tenant, plane.id());
    let session = hold_on(&home, session, &identity, journal, deadline).await?;
    Ok((home, session))
}

async fn hold_on(
    cluster: &Server,
    mut session: PgConnection,
    identity: &Identity,
    journal: &mut Journal,
    deadline: Instant,
) -> Result<PgConnection, TenantError> {
    cluster.lock(&mut session, identity, deadline).await?;
    control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
    Ok(session)
}

/// Runs a saga on a tenant to its end, and returns the tenant as it is then.
pub(in crate::services::tenant) async fn carry_out<S: Saga<Error = TenantError>>(
    saga: &mut S,
    act: &'static str,
    (mut journal, trail): (Journal, &Trail),
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<(Tenant, Vec<StepReport>), TenantError> {
    match saga::run(saga, &mut journal, interrupt, on_event).await {
        Ok(steps) => {
            let now = control_plane::find_by_id(&mut journal.connection, trail.tenant_id).await?;
            let now = now.ok_or_else(|| TenantError::NotFound(trail.slug.to_string()))?;
            Ok((now, steps))
        }
        Err(halt) => Err(halted(halt, act, &mut journal, trail).await),
    }
}

/// Turns a saga's halt into the operator's error, and writes the failure into the audit trail.
async fn halted(
    halt: Halt<TenantError>,
    act: &'static str,
    journal: &mut Journal,
    trail: &Trail,
) -> TenantError {
    let slug = trail.slug.to_string();
    if let Halt::Failed { error, .. } = &halt
        && is_contradiction(error)
    {
        let (connection, text) = (&mut journal.connection, error.to_string());
        // Whether or not it can be recorded, the error itself says what was found.
        drop(control_plane::quarantine(connection, trail.tenant_id, &text).await);
    }
    let (step, error) = match halt {
        Halt::Failed { step, error } => {
            (step, TenantError::Stopped { act, slug, step, source: Box::new(error) })
        }
        Halt::Interrupted { next } => (next, TenantError::Interrupted { act, slug, next }),
    };
    let detail = serde_json::json!({ "step": step, "stopped": true });
    // The error that stopped the step is what the operator needs; when the control plane is gone
    // this row cannot be written, and the open operation tells the same.
    drop(trail.append(&mut journal.connection, AuditOutcome::Failed, detail).await);
    error
}

/// Returns whether an error says that something is another's than the record has it.
pub(in crate::services::tenant) fn is_contradiction(error: &TenantError) -> bool {
    match error {
        TenantError::Server(ServerError::Stranger { .. }) => true,
        TenantError::Place(error) => error.is_contradiction(),
        _ => false,
    }
}

fn holder() -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{machine}:{}", std::process::id())
}

fn fingerprint(request: &serde_json::Value) -> String {
    hex(&sha256(request.to_string().as_bytes())[..8])
}

//! `lockdown` and `unlock`: access refused at every layer, tried out, and given back.
//!
//! The control plane comes first and alone: from its commit on everybody who asks it is refused,
//! whatever happens to the rest. The other layers are cut side by side, each with its own result; a
//! tenant whose database is down is still locked. Nothing here waits for another command's lock.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use super::home::{Away, Home};
use super::layer::chain;
use super::probe::{Probes, is_closed};
use super::{LayerReport, LayerVerdict, ProbeReport, ProbeVerdict, SessionError};
use crate::adapters::auth_admin::{AuthAdmin, AuthAdminError};
use crate::adapters::cluster::{
    Cluster, ClusterError, Door, DoorFlags, GateMarks, Identity, Leftovers, Prepared,
};
use crate::adapters::control_plane::{
    self, AuditEntry, AuditOutcome, ControlPlane, ControlPlaneError, Lockdown, Marks, SessionScope,
};
use crate::adapters::postgres::{PgError, Purpose};
use crate::model::{
    Actor, Classified, DatabaseName, ErrorKind, Reason, SecretText, Slug, Tenant, TenantStatus,
    escape_controls,
};
use crate::services::place::Places;

/// How often a layer that does not answer is tried.
const TRIES: u32 = 3;
/// How long the cut waits for its line in the audit trail.
const TRAIL_PATIENCE: Duration = Duration::from_secs(1);

/// A tenant to be cut off, or given back.
#[derive(Debug)]
pub struct LockdownRequest {
    /// The tenant.
    pub tenant: Slug,
    /// Why.
    pub reason: Reason,
    /// Who asks.
    pub actor: Actor,
    /// How long to wait for sessions to end.
    pub patience: Duration,
    /// Supabase Auth's admin API, for where its tables are out of reach.
    pub auth_admin: Option<AuthAdmin>,
}

/// What a lockdown did and what was seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockdownReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// What was cut, in the order of the layers.
    pub layers: Vec<LayerReport>,
    /// What was tried afterwards.
    pub probes: Vec<ProbeReport>,
    /// How long it took in all.
    pub elapsed: Duration,
}

impl LockdownReport {
    /// Returns how the command ends; nothing when every probe was refused and no layer failed.
    pub fn ending(&self) -> Option<ErrorKind> {
        (!is_proven(&self.layers, &self.probes)).then_some(ErrorKind::Unproven)
    }
}

/// What an unlock gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlockReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// What was given back, in the order it was.
    pub layers: Vec<LayerReport>,
    /// Whether it was locked at all.
    pub was_locked: bool,
    /// How long it took in all.
    pub elapsed: Duration,
}

impl UnlockReport {
    /// Returns how the command ends; nothing when everything was given back.
    pub fn ending(&self) -> Option<ErrorKind> {
        self.layers.iter().any(LayerReport::has_failed).then_some(ErrorKind::Incomplete)
    }
}

/// Cuts a tenant off at every layer and tries what a client would; twice is harmless, and so are
/// two at once.
///
/// # Errors
/// When there is no such tenant or the control plane could not be written: then nothing is claimed.
pub async fn lockdown(
    plane: &ControlPlane,
    places: &Places,
    request: &LockdownRequest,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
    on_layer: &dyn Fn(&LayerReport),
) -> Result<LockdownReport, SessionError> {
    let started = Instant::now();
    let tenant = find(plane, &request.tenant).await?;
    let operation_id = Uuid::now_v7();
    let (marks, lockdown, is_trailed) =
        cut_control_plane(plane, &tenant, request, operation_id).await?;
    let late =
        if is_trailed { "" } else { "; the audit trail was busy and hears of it afterwards" };
    let first = LayerReport {
        layer: "control_plane",
        verdict: LayerVerdict::Done,
        detail: format!("locked, epoch {}{late}", marks.epoch),
        elapsed: started.elapsed(),
        at: started.elapsed(),
    };
    on_layer(&first);
    // As it is now: a create may have come further since, and what it makes from here on it shuts
    // itself, because it sees the lock.
    let tenant = find(plane, &request.tenant).await.unwrap_or(tenant);
    let home = Home::find(plane, places, &tenant, request.patience).await;
    let (tenant_ref, home_ref) = (&tenant, &home);
    let cut =
        Cut { plane, home: home_ref, tenant: tenant_ref, request, lockdown: &lockdown, started };
    let told = |layer: LayerReport| {
        on_layer(&layer);
        layer
    };
    let (gate, auth, connections) = tokio::join!(
        async { told(cut.gate(marks).await) },
        async { told(cut.auth().await) },
        async { told(cut.connections().await) }
    );
    let epoch_before = marks.epoch - 1;
    let was_valid = async {
        let mut session = plane.session().await?;
        control_plane::sample_session(&mut session, tenant.id, epoch_before).await
    };
    let probes = Probes {
        plane,
        places,
        home: &home,
        tenant: &tenant,
        password: open_password(&tenant),
        session: was_valid.await.unwrap_or_default(),
        epoch: marks.epoch,
        started,
    };
    let probes = probes.run().await;
    let mut layers = vec![first, gate, auth, connections];
    let proof = serde_json::json!({
        "layers": layers.iter().map(|l| (l.layer, !l.has_failed())).collect::<Vec<_>>(),
        "probes": probes.iter()
            .map(|p| (p.probe, p.verdict == ProbeVerdict::Refused)).collect::<Vec<_>>(),
    });
    let is_proven = is_proven(&layers, &probes);
    let outcome = if is_proven { AuditOutcome::Done } else { AuditOutcome::Failed };
    let recorded =
        record(plane, request, &tenant, (operation_id, outcome, proof), is_trailed).await;
    // What was cut stays cut, and whoever asked hears of it, also when the control plane went away.
    let tenant = match recorded {
        Ok(tenant) => tenant,
        Err(error) => {
            let causes = chain(&error);
            layers.push(LayerReport {
                layer: "audit",
                detail: format!("failed to {}", causes.join(": ")),
                verdict: LayerVerdict::Failed(causes),
                elapsed: Duration::ZERO,
                at: started.elapsed(),
            });
            tenant
        }
    };
    Ok(LockdownReport { tenant, layers, probes, elapsed: started.elapsed() })
}

fn is_proven(layers: &[LayerReport], probes: &[ProbeReport]) -> bool {
    probes.iter().all(|probe| probe.verdict == ProbeVerdict::Refused)
        && !layers.iter().any(LayerReport::has_failed)
}

/// Writes how a lockdown ended, and its intent where the trail was busy then; returns the tenant as
/// it is now.
async fn record(
    plane: &ControlPlane,
    request: &LockdownRequest,
    tenant: &Tenant,
    (operation_id, outcome, proof): (Uuid, AuditOutcome, serde_json::Value),
    is_trailed: bool,
) -> Result<Tenant, SessionError> {
    let mut session = plane.session().await?;
    let action = "tenant.lockdown";
    if !is_trailed {
        let detail = serde_json::json!({ "written": "after the cut" });
        let intent = entry(request, action, tenant, operation_id, AuditOutcome::Intent, detail);
        control_plane::append(&mut session, &intent).await?;
    }
    let entry = entry(request, action, tenant, operation_id, outcome, proof);
    control_plane::append(&mut session, &entry).await?;
    drop(session);
    find(plane, &request.tenant).await
}

/// Gives a locked tenant back what its lockdown took, control plane last; epochs stay, so old
/// tokens stay dead.
///
/// # Errors
/// When there is no such tenant, or the control plane does not answer.
pub async fn unlock(
    plane: &ControlPlane,
    places: &Places,
    request: &LockdownRequest,
    on_layer: &dyn Fn(&LayerReport),
) -> Result<UnlockReport, SessionError> {
    let started = Instant::now();
    let tenant = find(plane, &request.tenant).await?;
    let lockdown = {
        let mut session = plane.session().await?;
        control_plane::find_lockdown(&mut session, tenant.id).await?
    };
    let Some(lockdown) = lockdown else {
        let elapsed = started.elapsed();
        return Ok(UnlockReport { tenant, layers: Vec::new(), was_locked: false, elapsed });
    };
    let operation_id = Uuid::now_v7();
    let action = "tenant.unlock";
    let nothing = || serde_json::json!({});
    {
        let mut session = plane.session().await?;
        let intent = entry(request, action, &tenant, operation_id, AuditOutcome::Intent, nothing());
        control_plane::append(&mut session, &intent).await?;
    }
    let home = Home::find(plane, places, &tenant, request.patience).await;
    let back = Cut { plane, home: &home, tenant: &tenant, request, lockdown: &lockdown, started };
    let mut layers = Vec::new();
    for layer in [back.give_connections_back().await, back.unban().await, back.open_gate().await] {
        on_layer(&layer);
        layers.push(layer);
    }
    let is_whole = !layers.iter().any(LayerReport::has_failed);
    if is_whole {
        let (layer, cut_again) = back.unlock_control_plane(operation_id).await?;
        for layer in std::iter::once(layer).chain(cut_again) {
            on_layer(&layer);
            layers.push(layer);
        }
    } else {
        // The tenant stays locked where it counts; the same command goes on from here.
        let mut session = plane.session().await?;
        let failed = entry(request, action, &tenant, operation_id, AuditOutcome::Failed, nothing());
        control_plane::append(&mut session, &failed).await?;
    }
    let now = find(plane, &request.tenant).await?;
    if is_whole
        && tenant.deleted_at.is_some()
        && now.deleted_at.is_none()
        && now.locked_at.is_none()
    {
        // Restored meanwhile, when it still was locked: its door and its gate were left shut.
        let back = Cut { tenant: &now, ..back };
        for layer in [back.give_connections_back().await, back.open_gate().await] {
            on_layer(&layer);
            layers.push(layer);
        }
    } else if tenant.deleted_at.is_none() && now.deleted_at.is_some() {
        // Deleted meanwhile: whichever of the two came to the door last, it is shut.
        let layer = Cut { tenant: &now, ..back }.shut_again().await;
        on_layer(&layer);
        layers.push(layer);
    }
    Ok(UnlockReport { tenant: now, layers, was_locked: true, elapsed: started.elapsed() })
}

async fn find(plane: &ControlPlane, slug: &Slug) -> Result<Tenant, SessionError> {
    let found = control_plane::find_live(&mut *plane.session().await?, slug).await?;
    found.ok_or_else(|| SessionError::NoTenant(slug.to_string()))
}

fn entry<'a>(
    request: &'a LockdownRequest,
    action: &'a str,
    tenant: &'a Tenant,
    operation_id: Uuid,
    outcome: AuditOutcome,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    AuditEntry {
        actor: &request.actor,
        action,
        tenant_id: Some(tenant.id),
        target: Some(tenant.slug.as_str()),
        reason: Some(&request.reason),
        detail,
        outcome,
        operation_id,
    }
}

/// The cut itself: status, epoch, watermark, the lockdown's record and the audit intent, one commit.
async fn cut_control_plane(
    plane: &ControlPlane,
    tenant: &Tenant,
    request: &LockdownRequest,
    operation_id: Uuid,
) -> Result<(Marks, Lockdown, bool), SessionError> {
    let doing = || PgError::doing("lock the tenant in the control plane");
    let mut transaction = plane.begin().await?;
    let marks = control_plane::lock_tenant(&mut transaction, tenant.id, &request.reason).await?;
    let (actor, reason) = (&request.actor, &request.reason);
    let lockdown = control_plane::open_lockdown(&mut transaction, tenant.id, actor, reason).await?;
    let detail = serde_json::json!({ "epoch": marks.epoch });
    let intent =
        entry(request, "tenant.lockdown", tenant, operation_id, AuditOutcome::Intent, detail);
    // The trail is written in line, and whoever is before us may be stuck. The cut does not wait
    // for that.
    let mut trail = transaction.begin().await.map_err(doing())?;
    let patience = format!("SET LOCAL lock_timeout = {}", TRAIL_PATIENCE.as_millis());
    sqlx::raw_sql(AssertSqlSafe(patience)).execute(&mut *trail).await.map_err(doing())?;
    let is_trailed = match control_plane::append(&mut trail, &intent).await {
        Ok(()) => trail.commit().await.map(|()| true).map_err(doing())?,
        Err(ControlPlaneError::Postgres(error)) if error.is("55P03") => {
            trail.rollback().await.map(|()| false).map_err(doing())?
        }
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(doing())?;
    Ok((marks, lockdown, is_trailed))
}

/// A cut, or what gives it back.
pub(super) struct Cut<'a> {
    pub(super) plane: &'a ControlPlane,
    home: &'a Home<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) request: &'a LockdownRequest,
    pub(super) lockdown: &'a Lockdown,
    started: Instant,
}

/// What a layer's work comes to: done or not, and what.
pub(super) type Worked = Result<(LayerVerdict, String), LayerError>;

/// Why a layer failed; either side of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Away(#[from] Away),
    #[error(transparent)]
    AuthAdmin(#[from] AuthAdminError),
    #[error("{0}")]
    Auth(&'static str),
}

impl Classified for LayerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::Cluster(error) => error.kind(),
            Self::Away(error) => error.kind(),
            Self::AuthAdmin(error) => error.kind(),
            Self::Auth(_) => ErrorKind::Refused,
        }
    }
}

impl Cut<'_> {
    /// Runs a layer's work, again when it did not answer, and reports.
    pub(super) async fn layer<F>(&self, layer: &'static str, work: impl Fn() -> F) -> LayerReport
    where
        F: Future<Output = Worked>,
    {
        let began = Instant::now();
        let mut tried = 0;
        let worked = loop {
            tried += 1;
            let count = self.home.count().await;
            match work().await {
                Err(LayerError::Cluster(ClusterError::Postgres(error)))
                    if self.home.is_worth_renewing(&error) =>
                {
                    self.home.renew(count).await;
                }
                Err(error) if error.kind() == ErrorKind::Unavailable && tried < TRIES => {
                    tokio::time::sleep(Duration::from_millis(200) * tried).await;
                }
                worked => break worked,
            }
        };
        let (verdict, detail) = worked.unwrap_or_else(|error| {
            let causes = chain(&error);
            (LayerVerdict::Failed(causes.clone()), format!("failed to {}", causes.join(": ")))
        });
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        LayerReport { layer, verdict, detail, elapsed, at }
    }

    fn identity(&self) -> Identity {
        Identity::of(self.tenant, self.plane.id())
    }

    fn database(&self) -> Option<&DatabaseName> {
        super::home::database(self.tenant)
    }

    /// Returns the server that the tenant's database is on.
    async fn home(&self) -> Result<Cluster, LayerError> {
        Ok(self.home.server().await?)
    }

    async fn gate(&self, marks: Marks) -> LayerReport {
        self.layer("gate", || self.set_gate(Some(true), marks)).await
    }

    async fn set_gate(&self, lock: Option<bool>, marks: Marks) -> Worked {
        let Some(name) = self.database() else {
            return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
        };
        let purpose = Purpose::query("lockdown");
        let mut database = match self.home().await?.enter(name, &self.identity(), purpose).await {
            Ok(database) => database,
            Err(ClusterError::Postgres(error)) if is_closed(&error) => {
                let detail = "the database lets nobody in".to_owned();
                return Ok((LayerVerdict::Unchanged, detail));
            }
            Err(ClusterError::NoDatabase(_)) => {
                return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        match database.check_identity().await {
            // The gate comes with the migrations.
            Err(ClusterError::Stranger { finding, .. })
                if self.tenant.status == TenantStatus::Provisioning =>
            {
                return Ok((LayerVerdict::Absent, format!("there is no gate yet: {finding}")));
            }
            checked => checked?,
        }
        let marks = GateMarks { epoch: marks.epoch, not_before: marks.not_before };
        let reason = self.request.reason.as_str();
        let lock = lock.map(|is_locked| (is_locked, is_locked.then_some(reason)));
        database.set_gate(lock, marks).await?;
        database.close().await;
        let word = if matches!(lock, Some((true, _))) { "locked" } else { "unlocked" };
        Ok((LayerVerdict::Done, format!("{word} in {name}")))
    }

    async fn connections(&self) -> LayerReport {
        self.layer("connections", || async {
            let Some(name) = self.database() else {
                return Ok((LayerVerdict::Absent, "there is no login".to_owned()));
            };
            let home = self.home().await?;
            let mut operator = home.operator(Purpose::query("lockdown")).await?;
            let identity = self.identity();
            let flags = match home.door_flags(&mut operator, name, &identity).await {
                Err(ClusterError::NoDatabase(_)) => {
                    return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
                }
                flags => flags?,
            };
            let mut session = self.plane.session().await?;
            // Of a deleted tenant, what its `restore` would open.
            let before = match self.tenant.status_before_delete {
                Some(was) if self.tenant.deleted_at.is_some() => {
                    let can_login = Some(was != TenantStatus::Provisioning);
                    DoorFlags { can_login, is_open: true }
                }
                _ => flags,
            };
            let before = serde_json::to_value(before).unwrap_or_default();
            control_plane::keep_saved(&mut session, self.lockdown.id, "door", &before).await?;
            drop(session);
            let door = if flags.is_open { Door::OperatorOnly } else { Door::Closed };
            home.set_door(&mut operator, name, &identity, door).await?;
            let deadline = tokio::time::Instant::now() + self.request.patience;
            let ended = home.end_login_sessions(&mut operator, name, deadline).await?;
            let leftovers = home.clear_leftovers(&mut operator, name).await?;
            let left = shown(&leftovers);
            Ok((LayerVerdict::Done, format!("login refused, {ended} sessions ended{left}")))
        })
        .await
    }

    async fn give_connections_back(&self) -> LayerReport {
        self.layer("connections", || async {
            let saved = self.lockdown.saved.get("door").cloned();
            let flags = saved.and_then(|saved| serde_json::from_value::<DoorFlags>(saved).ok());
            let (Some(name), Some(flags)) = (self.database(), flags) else {
                return Ok((LayerVerdict::Absent, "nothing had been cut".to_owned()));
            };
            let home = self.home().await?;
            let mut operator = home.operator(Purpose::query("unlock")).await?;
            // Deleted meanwhile: the door stays shut until the tenant is restored.
            if self.tenant.deleted_at.is_some() {
                return Ok((LayerVerdict::Unchanged, "the tenant is deleted".to_owned()));
            }
            home.set_door(&mut operator, name, &self.identity(), flags.door()).await?;
            Ok((LayerVerdict::Done, "as they were before".to_owned()))
        })
        .await
    }

    async fn shut_again(&self) -> LayerReport {
        self.layer("connections", || async {
            let Some(name) = self.database() else {
                return Ok((LayerVerdict::Absent, "there is no login".to_owned()));
            };
            let home = self.home().await?;
            let mut operator = home.operator(Purpose::query("unlock")).await?;
            home.set_door(&mut operator, name, &self.identity(), Door::Closed).await?;
            let deadline = tokio::time::Instant::now() + self.request.patience;
            home.end_login_sessions(&mut operator, name, deadline).await?;
            Ok((LayerVerdict::Done, "the tenant was deleted meanwhile, so it is shut".to_owned()))
        })
        .await
    }

    async fn open_gate(&self) -> LayerReport {
        self.layer("gate", || async {
            let marks = {
                let mut session = self.plane.session().await?;
                control_plane::marks_of(&mut session, self.tenant.id).await?
            };
            self.set_gate(Some(false), marks).await
        })
        .await
    }

    /// Ends the lockdown where it counts. When it was asked for again meanwhile, it stands, and what
    /// was opened before is cut again.
    async fn unlock_control_plane(
        &self,
        operation_id: Uuid,
    ) -> Result<(LayerReport, Vec<LayerReport>), SessionError> {
        let began = Instant::now();
        let request = self.request;
        let doing = || PgError::doing("unlock the tenant in the control plane");
        let mut transaction = self.plane.begin().await?;
        let (actor, reason) = (&request.actor, &request.reason);
        let mut verdict = LayerVerdict::Done;
        let mut detail = "unlocked; sessions from before stay dead";
        let mut outcome = AuditOutcome::Done;
        let mut is_locked_again = false;
        if control_plane::lift_lockdown(&mut transaction, self.lockdown, actor, reason).await? {
            control_plane::unlock_tenant(&mut transaction, self.tenant.id).await?;
        } else if control_plane::find_lockdown(&mut transaction, self.tenant.id).await?.is_some() {
            is_locked_again = true;
            detail = "it was locked down again meanwhile, and stays so";
            verdict = LayerVerdict::Failed(vec![detail.to_owned()]);
            outcome = AuditOutcome::Failed;
        } else {
            detail = "somebody else unlocked it meanwhile";
            outcome = AuditOutcome::Unchanged;
        }
        let nothing = serde_json::json!({});
        let done = entry(request, "tenant.unlock", self.tenant, operation_id, outcome, nothing);
        control_plane::append(&mut transaction, &done).await?;
        transaction.commit().await.map_err(doing())?;
        let detail = detail.to_owned();
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        let layer = LayerReport { layer: "control_plane", verdict, detail, elapsed, at };
        let mut cut_again = Vec::new();
        if is_locked_again {
            let (marks, lockdown) = {
                let mut session = self.plane.session().await?;
                let marks = control_plane::marks_of(&mut session, self.tenant.id).await?;
                (marks, control_plane::find_lockdown(&mut session, self.tenant.id).await?)
            };
            if let Some(lockdown) = &lockdown {
                let cut = Cut { lockdown, ..*self };
                let (gate, auth, connections) = Box::pin(async {
                    tokio::join!(cut.gate(marks), cut.auth(), cut.connections())
                })
                .await;
                cut_again.extend([gate, auth, connections]);
            }
        }
        Ok((layer, cut_again))
    }
}

/// Returns what survives the sessions, behind what was said of them.
fn shown(leftovers: &Leftovers) -> String {
    let mut parts = Vec::new();
    if leftovers.rolled_back > 0 {
        parts.push(format!("{} of its prepared transactions rolled back", leftovers.rolled_back));
    }
    parts.extend(leftovers.prepared.iter().map(|Prepared { name, owner }| {
        let (name, owner) = (escape_controls(name), escape_controls(owner));
        format!("the prepared transaction `{name}` stays: only `{owner}` or a superuser may end it")
    }));
    parts.extend(leftovers.slots.iter().map(|(slot, reader)| {
        let reader = reader.as_ref().map_or_else(
            || "nobody reads it".to_owned(),
            |reader| format!("`{}`, a superuser, reads it", escape_controls(reader)),
        );
        format!("the replication slot `{slot}` stays, and {reader}")
    }));
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

pub(super) fn lost(error: PgError) -> LayerError {
    LayerError::ControlPlane(error.into())
}

/// Marks rows that a lockdown or an epoch revoked, for the record, until all are marked or the time
/// is up; returns how many. Access was cut before.
///
/// # Errors
/// When the control plane does not answer.
pub async fn mark(
    plane: &ControlPlane,
    scope: &SessionScope,
    actor: &Actor,
    reason: &Reason,
    budget: Duration,
) -> Result<u64, SessionError> {
    let until = Instant::now() + budget;
    let mut session = plane.session().await?;
    let (mut marked, mut after) = (0, None);
    while Instant::now() < until {
        let (batch, last) =
            control_plane::mark_revoked(&mut session, scope, actor, reason, after).await?;
        marked += batch;
        after = last;
        if last.is_none() {
            break;
        }
    }
    Ok(marked)
}

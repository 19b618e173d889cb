//! `lockdown`: access refused at every layer, and tried out.
//!
//! The control plane comes first and alone: from its commit on everybody who asks it is refused,
//! whatever happens to the rest. The other layers are cut side by side, each with its own result; a
//! tenant whose database is down is still locked. Nothing here waits for another command's lock.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use super::error::LockdownError;
use super::layer::{LayerReport, LayerVerdict};
use super::layers::Cut;
use super::probe::{ProbeReport, ProbeVerdict, Probes};
use crate::adapters::auth_admin::AuthAdmin;
use crate::adapters::control_plane::{
    self, AuditEntry, AuditOutcome, ControlPlane, ControlPlaneError, Lockdown, Marks,
};
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Classified, ErrorKind, Reason, SecretText, Slug, Tenant};
use crate::services::home::{Homes, RenewableHome};

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

/// Cuts a tenant off at every layer and tries what a client would; twice is harmless, and so are
/// two at once.
///
/// # Errors
/// When there is no such tenant or the control plane could not be written: then nothing is claimed.
pub async fn lockdown(
    plane: &ControlPlane,
    places: &Homes,
    request: &LockdownRequest,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
    on_layer: &dyn Fn(&LayerReport),
) -> Result<LockdownReport, LockdownError> {
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
    let home = RenewableHome::find(plane, places, &tenant, request.patience).await;
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
            let causes = error.chain();
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
) -> Result<Tenant, LockdownError> {
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

/// Finds the tenant that has the slug now.
pub(super) async fn find(plane: &ControlPlane, slug: &Slug) -> Result<Tenant, LockdownError> {
    let found = control_plane::find_live(&mut *plane.session().await?, slug).await?;
    found.ok_or_else(|| LockdownError::NoTenant(slug.to_string()))
}

/// Returns the line in the audit trail about what was asked for.
pub(super) fn entry<'a>(
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
) -> Result<(Marks, Lockdown, bool), LockdownError> {
    let doing = || PgError::doing("lock the tenant in the control plane");
    let mut transaction = plane.begin().await?;
    let (actor, reason) = (&request.actor, &request.reason);
    let marks = control_plane::lock_tenant(&mut transaction, tenant.id, actor, reason).await?;
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

//! A lockdown from the cluster alone, where the control plane does not answer: gate, login and
//! connections. Whose a database is stands in its stamp.
//!
//! What the login was before is noted at it, so that the next `lockdown` or `unlock` that reaches the
//! control plane takes it over like any other.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::error::LockdownError;
use super::layer::{LayerError, LayerReport, LayerVerdict, NOT_IN_TIME, Worked, failed, in_time};
use super::layers::{SAVED_ACCESS, shown};
use super::probe::{ProbeReport, ProbeVerdict};
use super::request::LockdownRequest;
use crate::adapters::control_plane::{self, Lockdown};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::{GateLock, Home, Server, ServerError, Stamp};
use crate::model::{
    Act, Classified, DatabaseName, Marks, Reason, Tenant, TenantId, TenantNames, TenantRef, instant,
};
use crate::services::audit::Entry;
use crate::services::home::{RenewableHome, World};

/// What the gate keeps of its own marks: without the control plane nobody knows higher ones.
const NO_MARKS: Marks = Marks { epoch: 0, not_before: None };

/// A tenant's database that was shut from the cluster alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AloneReport {
    /// As its stamp says.
    pub tenant: TenantNames,
    pub database: DatabaseName,
    pub is_dry_run: bool,
    /// What was shut.
    pub layers: Vec<LayerReport>,
    /// What was tried afterwards.
    pub probes: Vec<ProbeReport>,
    pub elapsed: Duration,
}

impl AloneReport {
    /// Returns whether everything there is shut, and refused whoever tried it.
    pub(crate) fn is_shut(&self) -> bool {
        !self.layers.iter().any(LayerReport::has_failed)
            && self.probes.iter().all(|probe| probe.verdict == ProbeVerdict::Refused)
    }
}

/// Finds the database of each tenant by the stamps on the cluster.
async fn find(
    cluster: &Server,
    named: &[TenantRef],
) -> Result<Vec<(Home, TenantNames)>, LockdownError> {
    let mut operator = cluster.operator(Purpose::query(Act::Lockdown.word())).await?;
    let stamped = cluster.list(&mut operator).await?.into_iter().filter_map(|database| {
        let Stamp::Of(identity) = database.stamp else { return None };
        let id = TenantId(identity.tenant_id);
        let slug = identity.slug.parse().ok()?;
        let name = DatabaseName::recorded(&database.name, &slug, id)?;
        let server = Server::cluster(cluster.endpoint().clone(), identity.control_plane_id);
        Some((server.home(name, identity), TenantNames { id, slug }))
    });
    let stamped: Vec<_> = stamped.collect();
    let one = |named: &TenantRef| {
        let is_meant = |(_, tenant): &&(Home, TenantNames)| named.is(tenant);
        match stamped.iter().filter(is_meant).collect::<Vec<_>>().as_slice() {
            [] => Err(LockdownError::NoStamp(named.to_string())),
            [one] => Ok((*one).clone()),
            several => {
                let ids = several.iter().map(|(_, tenant)| tenant.id.to_string()).collect();
                Err(LockdownError::SeveralStamps { slug: named.to_string(), ids })
            }
        }
    };
    named.iter().map(one).collect()
}

/// Shuts tenants' databases from the cluster alone, side by side, and tries their gates. Twice is
/// harmless.
///
/// # Errors
/// When the cluster does not answer, or of one of them no database is there, or several are: then none
/// is shut. What fails later is a layer's own result.
pub(crate) async fn lockdown_alone(
    cluster: &Server,
    named: &[TenantRef],
    request: &LockdownRequest,
    is_dry_run: bool,
) -> Result<Vec<AloneReport>, LockdownError> {
    let found = find(cluster, named).await?;
    let shut = found.into_iter().map(|(home, tenant)| async move {
        let alone = Alone { home: &home, request, started: Instant::now() };
        Box::pin(alone.shut(tenant, is_dry_run)).await
    });
    Ok(join_all(shut).await)
}

struct Alone<'a> {
    home: &'a Home,
    request: &'a LockdownRequest,
    started: Instant,
}

impl Alone<'_> {
    async fn shut(&self, tenant: TenantNames, is_dry_run: bool) -> AloneReport {
        let (started, database) = (self.started, self.home.name().clone());
        let (mut layers, mut probes) = (Vec::new(), Vec::new());
        if !is_dry_run {
            let (gate, connections) = tokio::join!(
                self.layer("gate", self.gate()),
                self.layer("connections", self.connections())
            );
            let not_covered = |layer, detail: &str| LayerReport {
                layer,
                verdict: LayerVerdict::NotCovered,
                detail: detail.to_owned(),
                elapsed: Duration::ZERO,
                at: started.elapsed(),
            };
            let plane = "not asked: whoever asks it still finds the tenant open";
            let auth = "not reached: who is signed in stays so, and signing in goes on";
            layers = vec![
                not_covered("control_plane", plane),
                gate,
                not_covered("auth", auth),
                connections,
            ];
            probes = vec![self.probe_gate().await];
        }
        AloneReport { tenant, database, is_dry_run, layers, probes, elapsed: started.elapsed() }
    }

    async fn layer(&self, layer: &'static str, work: impl Future<Output = Worked>) -> LayerReport {
        let began = Instant::now();
        let worked = in_time(self.request.patience, work).await;
        let worked = worked.unwrap_or_else(|| Ok(failed(NOT_IN_TIME)));
        let (verdict, detail) = worked.unwrap_or_else(|error| {
            let causes = error.chain();
            (LayerVerdict::Failed(causes.clone()), format!("failed to {}", causes.join(": ")))
        });
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        LayerReport { layer, verdict, detail, elapsed, at }
    }

    async fn gate(&self) -> Worked {
        let mut database = self.home.enter(Purpose::query(Act::Lockdown.word())).await?;
        database.check_identity().await?;
        let lock = GateLock::Locked(Some(self.request.reason.as_str()));
        database.turn_gate(lock, NO_MARKS).await?.commit().await?;
        database.close().await;
        Ok((LayerVerdict::Done, format!("locked in {}", self.home.name())))
    }

    async fn connections(&self) -> Worked {
        let home = self.home;
        let mut operator = home.operator(Purpose::query(Act::Lockdown.word())).await?;
        let flags = home.access_flags(&mut operator).await?;
        let Some(can_login) = flags.can_login else {
            return Ok((LayerVerdict::Absent, "there is no login".to_owned()));
        };
        // Before it is shut, so that a crash in between forgets nothing.
        let LockdownRequest { actor, reason, .. } = self.request;
        home.note_shut(&mut operator, can_login, actor, reason).await?;
        if let Some(pending) = home.let_login(&mut operator, false).await? {
            pending.commit().await?;
        }
        let deadline = self.request.patience.until();
        let ended = home.end_login_sessions(&mut operator, deadline).await?;
        let left = shown(&home.clear_leftovers(&mut operator).await?);
        Ok((LayerVerdict::Done, format!("login refused, {ended} sessions ended{left}")))
    }

    /// Tries a statement with a token as Auth issues it now, which only the lock refuses.
    async fn probe_gate(&self) -> ProbeReport {
        let asked = async {
            let mut database = self.home.enter(Purpose::query("probe")).await?;
            database.check_identity().await?;
            let second = database.second().await?;
            let claims = serde_json::json!({
                "role": "authenticated",
                "sub": uuid::Uuid::nil().to_string(),
                "amr": [{ "method": "password", "timestamp": second }],
                "iat": second,
                "exp": second + 3600,
                "app_metadata": { "tenant_id": self.home.identity().tenant_id.to_string() },
            });
            let let_in = database.gate_lets_in(&claims).await?;
            database.close().await;
            Ok::<_, ServerError>(let_in)
        };
        let asked = in_time(self.request.patience, asked).await;
        let (verdict, detail) = match asked {
            None => (ProbeVerdict::CouldNotRun(NOT_IN_TIME.to_owned()), NOT_IN_TIME.to_owned()),
            Some(Ok(true)) => {
                (ProbeVerdict::GotIn, "a statement with a token issued now got through".to_owned())
            }
            Some(Ok(false)) => (
                ProbeVerdict::Refused,
                "a statement with a token issued now was refused".to_owned(),
            ),
            Some(Err(error)) => {
                let reason = error.chain().join(": ");
                (ProbeVerdict::CouldNotRun(reason.clone()), reason)
            }
        };
        let (holes, at) = (Vec::new(), self.started.elapsed());
        ProbeReport { probe: "gate", verdict, detail, holes, at }
    }
}

/// What an unlock finds of a tenant that is not locked by the control plane's account.
pub(super) enum Adopted {
    /// Nothing is shut.
    Nothing,
    /// It was shut from the cluster alone; the lockdown that this is recorded as now.
    Taken(Lockdown),
    /// The cluster could not be asked.
    Unasked(LayerReport),
}

/// Records as a lockdown what was shut from the cluster alone, so that it is given back like one.
pub(super) async fn adopt(
    world: &World,
    tenant: &Tenant,
    request: &LockdownRequest,
) -> Result<Adopted, LockdownError> {
    if tenant.host.is_none() || tenant.deleted_at.is_some() {
        return Ok(Adopted::Nothing);
    }
    let began = Instant::now();
    let looked = async {
        let home = RenewableHome::find(world, tenant, request.patience).await;
        let Some(home) = home.get().await? else { return Ok(None) };
        let mut operator = home.operator(Purpose::query(Act::Unlock.word())).await?;
        let Some(note) = home.shut_note(&mut operator).await? else { return Ok(None) };
        Ok::<_, LayerError>(Some((home.access_flags(&mut operator).await?, note)))
    };
    let (flags, note) = match looked.await {
        Ok(None) => return Ok(Adopted::Nothing),
        Ok(Some(found)) => found,
        Err(error) => {
            let causes = error.chain();
            return Ok(Adopted::Unasked(LayerReport {
                layer: "connections",
                detail: format!("failed to {}", causes.join(": ")),
                verdict: LayerVerdict::Failed(causes),
                elapsed: began.elapsed(),
                at: began.elapsed(),
            }));
        }
    };
    let since = instant(note.since);
    let text = format!("shut without the control plane at {since} by {}: {}", note.by, note.reason);
    let reason: Reason = text.parse().unwrap_or_else(|_| request.reason.clone());
    let mut transaction = world.plane.begin().await?;
    let _marks =
        control_plane::lock_tenant(&mut transaction, tenant.id, &request.actor, &reason).await?;
    let (id, actor) = (tenant.id, &request.actor);
    let lockdown = control_plane::open_lockdown(&mut transaction, id, actor, &reason).await?;
    let saved = serde_json::to_value(flags).unwrap_or_default();
    control_plane::keep_saved(&mut transaction, lockdown.id, SAVED_ACCESS, &saved).await?;
    let entry = Entry::new(Act::Lockdown, actor).about(tenant).because(&reason);
    let detail = serde_json::json!({ "shut_without_control_plane": note });
    let entry = entry.intent(&mut transaction, detail).await?;
    entry.done(&mut transaction, serde_json::json!({})).await?;
    transaction
        .commit()
        .await
        .map_err(PgError::doing("record what was shut without the control plane"))?;
    Ok(Adopted::Taken(lockdown))
}

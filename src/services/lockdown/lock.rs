//! `lockdown`: access refused at every layer, and tried out.
//!
//! The control plane comes first and alone: from its commit on everybody who asks it is refused,
//! whatever happens to the rest. The other layers are cut side by side, each with its own result; a
//! tenant whose database is down is still locked. Nothing here waits for another command's lock.

use std::cell::Cell;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection};

use super::error::LockdownError;
use super::event::LockdownEvent;
use super::layer::{LayerReport, LayerVerdict, in_time};
use super::layers::{Cut, Notes, Turn};
use super::overtaken::Overtaken;
use super::probe::{ProbeReport, ProbeVerdict, Probes};
use super::request::LockdownRequest;
use super::roll::Coming;
use crate::adapters::control_plane::{
    self, AuditOutcome, ControlPlane, ControlPlaneError, Lockdown,
};
use crate::adapters::postgres::PgError;
use crate::model::{Act, Classified, ErrorKind, Interrupt, Marks, SecretText, Tenant, TenantRef};
use crate::services::audit::{Entry, OpenEntry};
use crate::services::home::{RenewableHome, World};

/// How long the cut waits for its line in the audit trail.
const TRAIL_PATIENCE: Duration = Duration::from_secs(1);

/// How long the cut is tried again that the server ended for a deadlock.
const DEADLOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often the probes are tried: another command may end their sessions, or change the password
/// between the record that was read and the login.
const PROBE_TRIES: u32 = 4;

/// Beyond this, a probe that could not be run was not ended by another command.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// What a lockdown did and what was seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockdownReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// What was cut, in the order of the layers.
    pub layers: Vec<LayerReport>,
    /// What was tried afterwards.
    pub probes: Vec<ProbeReport>,
    /// What another command did to it meanwhile.
    pub overtaken: Option<Overtaken>,
    /// Whether the operator stopped it: nothing was tried then.
    pub is_interrupted: bool,
    /// How long it took in all.
    pub elapsed: Duration,
}

impl LockdownReport {
    /// Returns how the command ends; nothing when every probe was refused and no layer failed. One that
    /// was undone while it ran is a conflict, whatever its probes saw.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        if self.is_interrupted {
            return Some(ErrorKind::Interrupted);
        }
        if self.overtaken.is_some() {
            return Some(ErrorKind::Conflict);
        }
        (!is_proven(&self.layers, &self.probes)).then_some(ErrorKind::Unproven)
    }

    /// Returns whether a client was seen to get in.
    pub(crate) fn is_open(&self) -> bool {
        self.probes.iter().any(|probe| probe.verdict == ProbeVerdict::GotIn)
    }

    /// Returns what speaks against it, a clause each: what got in comes first.
    pub(crate) fn problems(&self) -> Vec<String> {
        let of = |verdict: fn(&ProbeVerdict) -> bool, word: &'static str| {
            let probes = self.probes.iter().filter(move |probe| verdict(&probe.verdict));
            probes.map(move |probe| format!("{}: {word}{}", probe.probe, probe.detail))
        };
        let layers = self.layers.iter().filter(|layer| layer.has_failed());
        let overtaken = self.overtaken.as_ref().map(ToString::to_string);
        of(|verdict| *verdict == ProbeVerdict::GotIn, "GOT IN, ")
            .chain(layers.map(|layer| format!("{}: {}", layer.layer, layer.detail)))
            .chain(of(|verdict| matches!(verdict, ProbeVerdict::CouldNotRun(_)), ""))
            .chain(overtaken)
            .collect()
    }

    /// Returns what stands in for a layer of Auth that was not covered; nothing where all were.
    pub(crate) fn stand_in(&self) -> Option<StandIn> {
        StandIn::of(&self.layers, &self.probes)
    }
}

/// A lockdown whose first layer is cut: the control plane refuses the tenant.
pub(crate) struct BegunLockdown {
    pub tenant: Tenant,
    /// The control plane's line.
    pub layer: LayerReport,
    marks: Marks,
    lockdown: Lockdown,
    trail: Trail,
    started: Instant,
    /// Of many: that it is on its way to Auth's list of users.
    pub coming: Cell<Option<Coming>>,
}

/// Cuts a tenant off at every layer and tries what a client would; twice is harmless, and so are
/// two at once.
///
/// # Errors
/// When there is no such tenant or the control plane could not be written: then nothing is claimed.
pub(crate) async fn lockdown(
    world: &World,
    named: &TenantRef,
    request: &LockdownRequest,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
    interrupt: &Interrupt,
    on_event: &dyn Fn(LockdownEvent<'_>),
) -> Result<LockdownReport, LockdownError> {
    on_event(LockdownEvent::Begun(&["control_plane"]));
    let begun = begin_lockdown(&world.plane, named, request).await?;
    on_event(LockdownEvent::Layer(&begun.layer));
    Ok(Box::pin(finish_lockdown(world, begun, request, open_password, interrupt, on_event)).await)
}

/// Cuts a tenant off in the control plane, in one commit.
///
/// # Errors
/// When there is no such tenant or the control plane could not be written: then nothing is cut.
pub(crate) async fn begin_lockdown(
    plane: &ControlPlane,
    named: &TenantRef,
    request: &LockdownRequest,
) -> Result<BegunLockdown, LockdownError> {
    let started = Instant::now();
    let tenant = find(plane, named).await?;
    let (marks, lockdown, trail) = loop {
        match cut_control_plane(plane, &tenant, request).await {
            // Somebody else's transaction, and the server chose ours to end: nothing is cut yet.
            Err(error) if error.is_deadlock() && started.elapsed() < DEADLOCK_PATIENCE => {}
            cut => break cut?,
        }
    };
    let late = match trail {
        Trail::Written(_) => "",
        Trail::Busy(_) => "; the audit trail was busy, its row is written afterwards",
    };
    let layer = LayerReport {
        layer: "control_plane",
        verdict: LayerVerdict::Done,
        detail: format!("locked, epoch {}{late}", marks.epoch),
        elapsed: started.elapsed(),
        at: started.elapsed(),
    };
    let coming = Cell::default();
    Ok(BegunLockdown { tenant, layer, marks, lockdown, trail, started, coming })
}

/// Cuts what the control plane does not reach, tries everything, and records what was proved. After a
/// signal the layers that are being cut are, and nothing is tried.
pub(crate) async fn finish_lockdown(
    world: &World,
    locked: BegunLockdown,
    request: &LockdownRequest,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
    interrupt: &Interrupt,
    on_event: &dyn Fn(LockdownEvent<'_>),
) -> LockdownReport {
    let plane = &world.plane;
    let finishing = interrupt.finishes("the layers that are being cut");
    let BegunLockdown { tenant, layer: first, marks, lockdown, trail, started, coming } = locked;
    let notes = Notes { coming, ..Notes::default() };
    let named = TenantRef::from(tenant.id);
    // As it is now: a create may have come further since, and what it opens from here on it closes
    // itself, because it sees the lock.
    let tenant = find(plane, &named).await.unwrap_or(tenant);
    let home = RenewableHome::find(world, &tenant, request.patience).await;
    let cut = Cut {
        world,
        home: &home,
        tenant: &tenant,
        request,
        lockdown: &lockdown,
        notes: &notes,
        started,
        on_event,
    };
    let announced = |layer: LayerReport| {
        on_event(LockdownEvent::Layer(&layer));
        layer
    };
    let own: &[_] = if home.has_own_auth() { &["project_auth"] } else { &[] };
    let words = [&["gate", "auth"], own, &["connections"]].concat();
    on_event(LockdownEvent::Begun(&words));
    let (gate, auth, own_auth, connections) = tokio::join!(
        async { announced(cut.gate(marks).await) },
        async {
            let layer = cut.auth().await;
            drop(notes.coming.take());
            announced(layer)
        },
        async { cut.own_auth().await.map(announced) },
        async { announced(cut.connections().await) }
    );
    let is_interrupted = interrupt.is_raised();
    let probes = if is_interrupted {
        Vec::new()
    } else {
        finishing.now("what is being tried");
        on_event(LockdownEvent::Begun(&["probes"]));
        Box::pin(try_all(&cut, marks, open_password)).await
    };
    let overtaken = cut.overtaken(Turn::Cut).await.unwrap_or_default();
    let mut layers: Vec<_> = [Some(first), Some(gate), Some(auth), own_auth, Some(connections)]
        .into_iter()
        .flatten()
        .collect();
    let mut proof = serde_json::json!({
        "layers": layers.iter().map(|l| (l.layer, !l.has_failed())).collect::<Vec<_>>(),
        "probes": probes.iter()
            .map(|p| (p.probe, p.verdict == ProbeVerdict::Refused)).collect::<Vec<_>>(),
    });
    if let Some(note) = notes.shut_alone.get() {
        proof["shut_without_control_plane"] = serde_json::to_value(note).unwrap_or_default();
    }
    let is_proven = is_proven(&layers, &probes) && overtaken.is_none();
    let proven = is_proven.then_some(&lockdown);
    let recorded = record(plane, &tenant, trail, proven, proof).await;
    // What was cut stays cut and is reported, also when the control plane went away.
    let tenant = match recorded {
        Ok(tenant) => {
            if notes.shut_alone.get().is_some() {
                // Left there, it is taken by the next lockdown or unlock.
                drop(in_time(request.patience, cut.take_note()).await);
            }
            tenant
        }
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
    let elapsed = started.elapsed();
    LockdownReport { tenant, layers, probes, overtaken, is_interrupted, elapsed }
}

/// Tries what a client would, again where something could not be tried and there is time for it.
async fn try_all(
    cut: &Cut<'_>,
    marks: Marks,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
) -> Vec<ProbeReport> {
    let Cut { world, tenant, request, .. } = *cut;
    let was_valid = async {
        let mut session = world.plane.session().await?;
        control_plane::sample_session(&mut session, tenant.id, marks.epoch - 1).await
    };
    let session = was_valid.await.unwrap_or_default();
    let patience =
        request.patience.left().map_or(PROBE_PATIENCE, |left| PROBE_PATIENCE.min(left / 2));
    let mut tries = 0;
    loop {
        tries += 1;
        let began = Instant::now();
        let now = find(&world.plane, &TenantRef::from(tenant.id)).await;
        let now = now.unwrap_or_else(|_| tenant.clone());
        let probes = Probes {
            world,
            home: cut.home,
            tenant: &now,
            password: open_password(&now),
            session: session.clone(),
            marks,
            patience: request.patience,
            started: cut.started,
        };
        let probes = Box::pin(probes.run()).await;
        let could_run = |p: &ProbeReport| !matches!(p.verdict, ProbeVerdict::CouldNotRun(_));
        if probes.iter().all(could_run) || tries == PROBE_TRIES || began.elapsed() > patience {
            return probes;
        }
        tokio::time::sleep(Duration::from_millis(100) * tries).await;
    }
}

/// Where no layer covers an Auth, signing in there still gives tokens. A lockdown is proved all the
/// same by the gate, which stands in front of the data, when it refused one as that Auth issues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandIn {
    Gate,
    /// Nothing does: its probe could not be run, or got in.
    Nothing,
}

impl StandIn {
    /// Returns what does; `None` where nothing has to.
    fn of(layers: &[LayerReport], probes: &[ProbeReport]) -> Option<Self> {
        if !layers.iter().any(|layer| layer.verdict == LayerVerdict::NotCovered) {
            return None;
        }
        let gate = probes.iter().find(|probe| probe.probe == "gate");
        let is_refused = gate.is_some_and(|gate| gate.verdict == ProbeVerdict::Refused);
        Some(if is_refused { Self::Gate } else { Self::Nothing })
    }
}

fn is_proven(layers: &[LayerReport], probes: &[ProbeReport]) -> bool {
    !probes.is_empty()
        && probes.iter().all(|probe| probe.verdict == ProbeVerdict::Refused)
        && StandIn::of(layers, probes) != Some(StandIn::Nothing)
        && !layers.iter().any(LayerReport::has_failed)
}

/// Writes how a lockdown ended, with the one that was proven, and its intent where the trail was busy
/// then; returns the tenant as it is now.
async fn record(
    plane: &ControlPlane,
    tenant: &Tenant,
    trail: Trail,
    proven: Option<&Lockdown>,
    proof: serde_json::Value,
) -> Result<Tenant, LockdownError> {
    let mut session = plane.session().await?;
    let entry = match trail {
        Trail::Written(entry) => entry,
        Trail::Busy(entry) => {
            let detail = serde_json::json!({ "written": "after the cut" });
            entry.intent(&mut session, detail).await?
        }
    };
    let outcome = match proven {
        Some(lockdown) => {
            control_plane::set_lock_proven(&mut session, tenant.id, lockdown).await?;
            AuditOutcome::Done
        }
        None => AuditOutcome::Failed,
    };
    entry.end(&mut session, outcome, proof).await?;
    let now = control_plane::find_by_id(&mut session, tenant.id).await?;
    Ok(now.unwrap_or_else(|| tenant.clone()))
}

/// Finds the tenant that has the slug now.
pub(super) async fn find(plane: &ControlPlane, named: &TenantRef) -> Result<Tenant, LockdownError> {
    let found = control_plane::find_live(&mut *plane.session().await?, named).await?;
    found.ok_or_else(|| LockdownError::NoTenant(named.to_string()))
}

/// Whether the intent is in the audit trail yet.
enum Trail {
    /// It was committed with the cut.
    Written(OpenEntry),
    /// The trail is written one row after the other, and another writer held it for too long.
    Busy(Entry),
}

/// The cut itself: status, epoch, watermark, the lockdown's record and the audit intent, one commit.
async fn cut_control_plane(
    plane: &ControlPlane,
    tenant: &Tenant,
    request: &LockdownRequest,
) -> Result<(Marks, Lockdown, Trail), LockdownError> {
    let doing = || PgError::doing("lock the tenant in the control plane");
    let mut transaction = plane.begin().await?;
    let (actor, reason) = (&request.actor, &request.reason);
    let marks = control_plane::lock_tenant(&mut transaction, tenant.id, actor, reason).await?;
    let lockdown = control_plane::open_lockdown(&mut transaction, tenant.id, actor, reason).await?;
    let detail = serde_json::json!({ "epoch": marks.epoch });
    let entry = Entry::new(Act::Lockdown, actor).about(tenant).because(reason);
    // The trail is written one row after the other, and the writer before us may be stuck. The cut
    // does not wait for that.
    let mut savepoint = transaction.begin().await.map_err(doing())?;
    let patience = format!("SET LOCAL lock_timeout = {}", TRAIL_PATIENCE.as_millis());
    sqlx::raw_sql(AssertSqlSafe(patience)).execute(&mut *savepoint).await.map_err(doing())?;
    let trail = match entry.clone().intent(&mut savepoint, detail).await {
        Ok(written) => {
            savepoint.commit().await.map_err(doing())?;
            Trail::Written(written)
        }
        Err(ControlPlaneError::Postgres(error)) if error.is("55P03") => {
            savepoint.rollback().await.map_err(doing())?;
            Trail::Busy(entry)
        }
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(doing())?;
    Ok((marks, lockdown, trail))
}

//! `unlock`: what a lockdown took is given back, the tenant's gate last; epochs stay and marks rise, so
//! old tokens stay dead.
//!
//! First connections and bans. Then one commit in the control plane lifts the lock and moves the marks
//! to that moment: whoever signed in while it was locked, or between ban and lift, began before them.
//! Only then does the gate open, under those marks. Killed anywhere, nobody gets at data while the
//! tenant is shown as locked, and the lockdown's row is open until the gate is: the same command goes
//! on from there.

use std::time::{Duration, Instant};

use super::alone::{Adopted, adopt};
use super::error::LockdownError;
use super::event::LockdownEvent;
use super::layer::{LayerReport, LayerVerdict};
use super::layers::{Cut, LOCKED_AGAIN, Notes, Turn};
use super::lock::find;
use super::overtaken::Overtaken;
use super::request::LockdownRequest;
use crate::adapters::control_plane::{self, AuditOutcome};
use crate::adapters::postgres::PgError;
use crate::model::{Act, ErrorKind, Interrupt, Tenant, TenantRef};
use crate::services::audit::{Entry, OpenEntry};
use crate::services::home::{RenewableHome, World};

/// What an unlock gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnlockReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// What was given back, in the order it was.
    pub layers: Vec<LayerReport>,
    /// Whether it was locked at all.
    pub was_locked: bool,
    /// What another command did meanwhile.
    pub overtaken: Option<Overtaken>,
    /// Whether the operator stopped it before all was given back.
    pub is_interrupted: bool,
    /// How long it took in all.
    pub elapsed: Duration,
}

impl UnlockReport {
    /// Returns how the command ends; nothing when everything was given back. A lockdown that came
    /// meanwhile stands, and to go on would undo it: that is a conflict.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        if self.is_interrupted {
            return Some(ErrorKind::Interrupted);
        }
        if self.overtaken.is_some() {
            return Some(ErrorKind::Conflict);
        }
        self.layers.iter().any(LayerReport::has_failed).then_some(ErrorKind::Incomplete)
    }

    /// Returns what was not given back and why, a clause each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let layers = self.layers.iter().filter(|layer| layer.has_failed());
        let layers = layers.map(|layer| format!("{}: {}", layer.layer, layer.detail));
        layers.chain(self.overtaken.as_ref().map(ToString::to_string)).collect()
    }
}

/// Gives a locked tenant back what its lockdown took, its gate last; old tokens stay dead. After a
/// signal the layer in hand is finished, and none begun before the lock is lifted.
///
/// # Errors
/// When there is no such tenant, or the control plane does not answer.
pub(crate) async fn unlock(
    world: &World,
    named: &TenantRef,
    request: &LockdownRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(LockdownEvent<'_>),
) -> Result<UnlockReport, LockdownError> {
    let started = Instant::now();
    let plane = &world.plane;
    let tenant = find(plane, named).await?;
    let named = &TenantRef::from(tenant.id);
    let lockdown = {
        let mut session = plane.session().await?;
        control_plane::find_lockdown(&mut session, tenant.id).await?
    };
    let adopted = match lockdown {
        Some(lockdown) => Adopted::Taken(lockdown),
        None => adopt(world, &tenant, request).await?,
    };
    let (lockdown, layers) = match adopted {
        Adopted::Taken(lockdown) => (Some(lockdown), Vec::new()),
        Adopted::Nothing => (None, Vec::new()),
        Adopted::Unasked(layer) => (None, vec![layer]),
    };
    let Some(lockdown) = lockdown else {
        // Another unlock may have ended it since the tenant was read.
        let tenant = find(plane, named).await?;
        let (elapsed, overtaken) = (started.elapsed(), None);
        let (was_locked, is_interrupted) = (false, false);
        return Ok(UnlockReport { tenant, layers, was_locked, overtaken, is_interrupted, elapsed });
    };
    let finishing = interrupt.finishes("giving the connections back");
    let nothing = || serde_json::json!({});
    let entry = Entry::new(Act::Unlock, &request.actor).about(&tenant).because(&request.reason);
    let entry = entry.intent(&mut *plane.session().await?, nothing()).await?;
    let home = RenewableHome::find(world, &tenant, request.patience).await;
    // A lockdown that is still under way cuts nothing more from here on.
    let lifting =
        control_plane::begin_lifting(&mut *plane.session().await?, &lockdown, &request.actor)
            .await?;
    let is_lifting = lifting.is_some();
    let lockdown = lifting.unwrap_or(lockdown);
    // Read after it: what was recorded of the tenant before may have been a lockdown's beginning.
    let tenant = find(plane, named).await?;
    let back = Cut {
        world,
        home: &home,
        tenant: &tenant,
        request,
        lockdown: &lockdown,
        notes: &Notes::default(),
        started,
        on_event,
    };
    let announced = |layer: LayerReport| {
        on_event(LockdownEvent::Layer(&layer));
        layer
    };
    let mut layers = Vec::new();
    if is_lifting {
        on_event(LockdownEvent::Begun(&["connections"]));
        layers.push(announced(back.give_connections_back().await));
        if !interrupt.is_raised() {
            finishing.now("lifting the bans");
            on_event(LockdownEvent::Begun(&["auth"]));
            layers.push(announced(back.unban().await));
            layers.extend(back.unban_own_users().await.map(announced));
        }
    }
    let is_whole = |layers: &[LayerReport]| !layers.iter().any(LayerReport::has_failed);
    // With a layer that failed, or was not begun, the tenant stays locked where it counts; the same
    // command goes on.
    let is_interrupted = interrupt.is_raised();
    if is_whole(&layers) && !is_interrupted {
        finishing.now("opening the control plane and the gate");
        on_event(LockdownEvent::Begun(&["control_plane"]));
        layers.push(announced(lift(&back).await?));
        if is_lifting && is_whole(&layers) {
            on_event(LockdownEvent::Begun(&["gate"]));
            layers.push(announced(back.open_gate().await));
        }
    }
    let is_whole = is_whole(&layers) && !is_interrupted;
    if is_whole {
        close(&back, entry).await?;
    } else {
        entry.failed(&mut *plane.session().await?, nothing()).await?;
    }
    let overtaken = back.overtaken(Turn::GiveBack).await.unwrap_or_default();
    if overtaken.is_some() {
        layers.extend(cut_again(&back).await?.into_iter().map(announced));
    }
    let now = find(plane, named).await?;
    if is_whole && tenant.deleted_at.is_some() && now.deleted_at.is_none() && !now.is_locked() {
        // Restored meanwhile, while it still was locked: access and gate were left closed.
        let back = Cut { tenant: &now, ..back };
        layers.push(announced(back.give_connections_back().await));
        layers.push(announced(back.open_gate().await));
    }
    let (was_locked, elapsed) = (true, started.elapsed());
    Ok(UnlockReport { tenant: now, layers, was_locked, overtaken, is_interrupted, elapsed })
}

/// Lifts the lock and moves the marks, in one commit, unless the lockdown was asked for again meanwhile.
async fn lift(back: &Cut<'_>) -> Result<LayerReport, LockdownError> {
    let began = Instant::now();
    let mut transaction = back.world.plane.begin().await?;
    control_plane::hold_tenant(&mut transaction, back.tenant.id).await?;
    let (verdict, detail) = if control_plane::hold_lockdown(&mut transaction, back.lockdown).await?
    {
        if control_plane::unlock_tenant(&mut transaction, back.tenant.id).await? {
            (LayerVerdict::Done, "unlocked; sessions from before stay dead")
        } else {
            (LayerVerdict::Unchanged, "an earlier run unlocked it")
        }
    } else if control_plane::find_lockdown(&mut transaction, back.tenant.id).await?.is_some() {
        (LayerVerdict::Failed(vec![LOCKED_AGAIN.to_owned()]), LOCKED_AGAIN)
    } else {
        (LayerVerdict::Unchanged, "it was unlocked by another command meanwhile")
    };
    let doing = PgError::doing("unlock the tenant in the control plane");
    transaction.commit().await.map_err(doing)?;
    let detail = detail.to_owned();
    let (elapsed, at) = (began.elapsed(), back.started.elapsed());
    Ok(LayerReport { layer: "control_plane", verdict, detail, elapsed, at })
}

/// Closes the lockdown, with everything given back, unless it was asked for again meanwhile.
async fn close(back: &Cut<'_>, entry: OpenEntry) -> Result<(), LockdownError> {
    let (actor, reason) = (&back.request.actor, &back.request.reason);
    let mut transaction = back.world.plane.begin().await?;
    control_plane::hold_tenant(&mut transaction, back.tenant.id).await?;
    let outcome =
        if control_plane::lift_lockdown(&mut transaction, back.lockdown, actor, reason).await? {
            AuditOutcome::Done
        } else if control_plane::find_lockdown(&mut transaction, back.tenant.id).await?.is_some() {
            AuditOutcome::Failed
        } else {
            AuditOutcome::Unchanged
        };
    entry.end(&mut transaction, outcome, serde_json::json!({})).await?;
    let doing = PgError::doing("close the lockdown");
    transaction.commit().await.map_err(doing)?;
    Ok(())
}

/// Cuts for the lockdown that came meanwhile, which may have been killed since.
async fn cut_again(back: &Cut<'_>) -> Result<Vec<LayerReport>, LockdownError> {
    let (marks, lockdown) = {
        let mut session = back.world.plane.session().await?;
        let marks = control_plane::marks_of(&mut session, back.tenant.id).await?;
        (marks, control_plane::find_lockdown(&mut session, back.tenant.id).await?)
    };
    let Some(lockdown) = &lockdown else { return Ok(Vec::new()) };
    let cut = Cut { lockdown, ..*back };
    let cuts =
        async { tokio::join!(cut.gate(marks), cut.auth(), cut.own_auth(), cut.connections()) };
    let (gate, auth, own_auth, connections) = Box::pin(cuts).await;
    let layers = [Some(gate), Some(auth), own_auth, Some(connections)];
    Ok(layers.into_iter().flatten().collect())
}

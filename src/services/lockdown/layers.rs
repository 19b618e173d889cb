//! The layers of a cut that are at the tenant's own server, its gate and its connections, and what
//! gives them back.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use super::event::LockdownEvent;
use super::layer::{LayerError, LayerReport, LayerVerdict, NOT_IN_TIME, Worked, failed, in_time};
use super::probe::is_closed;
use super::request::LockdownRequest;
use super::roll::Coming;
use crate::adapters::control_plane::{self, Lockdown};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{
    AccessFlags, Contradiction, GateLock, Home, Leftovers, Pending, Prepared, ServerError, ShutNote,
};
use crate::model::{
    Act, Classified, ErrorKind, Marks, Tenant, TenantStatus, escape_controls, instant,
};
use crate::services::home::{RenewableHome, World};

/// How often a layer that does not answer is tried.
const TRIES: u32 = 3;

/// How long the control plane is asked while a row of the tenant's server is held.
const LOOK_PATIENCE: Duration = Duration::from_secs(1);

/// Under which a lockdown keeps the access flags it found.
pub(super) const SAVED_ACCESS: &str = "access";

/// What one layer leaves to another, or to the end.
#[derive(Default)]
pub(super) struct Notes {
    /// While it is on its way to Auth's list of users, which is then read once for all.
    pub(super) coming: Cell<Option<Coming>>,
    /// What was noted at the login, where it had been shut without the control plane.
    pub(super) shut_alone: OnceCell<ShutNote>,
}

/// A cut, or what gives it back.
pub(super) struct Cut<'a> {
    pub(super) world: &'a World,
    pub(super) home: &'a RenewableHome<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) request: &'a LockdownRequest,
    pub(super) lockdown: &'a Lockdown,
    pub(super) notes: &'a Notes,
    pub(super) started: Instant,
    pub(super) on_event: &'a dyn Fn(LockdownEvent<'_>),
}

impl Cut<'_> {
    /// Runs a layer's work, again when it did not answer, and reports. What follows on it has time left
    /// of the command's deadline, whatever becomes of the work.
    pub(super) async fn layer<F>(&self, layer: &'static str, work: impl Fn() -> F) -> LayerReport
    where
        F: Future<Output = Worked>,
    {
        let began = Instant::now();
        let mut tried = 0;
        let working = async {
            loop {
                tried += 1;
                let count = self.home.count().await;
                match work().await {
                    Err(LayerError::Server(error)) if self.home.is_worth_renewing(&error) => {
                        self.home.renew(count).await;
                    }
                    Err(error) if error.kind() == ErrorKind::Unavailable && tried < TRIES => {
                        tokio::time::sleep(Duration::from_millis(200) * tried).await;
                    }
                    worked => break worked,
                }
            }
        };
        let worked = in_time(self.request.patience, working).await;
        let worked = worked.unwrap_or_else(|| Ok(failed(NOT_IN_TIME)));
        let (verdict, detail) = worked.unwrap_or_else(|error| {
            let causes = error.chain();
            let hint = error.hint().map_or(String::new(), |hint| format!(" ({hint})"));
            let detail = format!("failed to {}{hint}", causes.join(": "));
            (LayerVerdict::Failed(causes), detail)
        });
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        LayerReport { layer, verdict, detail, elapsed, at }
    }

    /// Returns the tenant's home; nothing where it never came to have a database.
    async fn home(&self) -> Result<Option<Home>, LayerError> {
        Ok(self.home.get().await?)
    }

    pub(super) async fn gate(&self, marks: Marks) -> LayerReport {
        self.layer("gate", || self.turn_gate(Turn::Cut, marks)).await
    }

    /// Opens the gate under the marks of the commit that lifted the lock.
    pub(super) async fn open_gate(&self) -> LayerReport {
        self.layer("gate", || async {
            let marks = {
                let mut session = self.world.plane.session().await?;
                control_plane::marks_of(&mut session, self.tenant.id).await?
            };
            self.turn_gate(Turn::GiveBack, marks).await
        })
        .await
    }

    async fn turn_gate(&self, turn: Turn, marks: Marks) -> Worked {
        let Some(home) = self.home().await? else {
            return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
        };
        let mut database = match home.enter(Purpose::query(turn.act().word())).await {
            Ok(database) => database,
            Err(ServerError::Postgres(error)) if is_closed(&error) => {
                let detail = "the database allows no connections".to_owned();
                return Ok((LayerVerdict::Unchanged, detail));
            }
            Err(ServerError::NoDatabase(_)) => {
                return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        match database.check_identity().await {
            // The gate comes with the migrations.
            Err(ServerError::Contradicted { contradiction, .. })
                if self.tenant.status == TenantStatus::Provisioning =>
            {
                let detail = format!("there is no gate yet: {contradiction}");
                return Ok((LayerVerdict::Absent, detail));
            }
            checked => checked?,
        }
        // Read once the database can be entered: whoever is removed after this tells the gate.
        let removed = match turn {
            Turn::Cut => Vec::new(),
            Turn::GiveBack => {
                let mut session = self.world.plane.session().await?;
                control_plane::removed_users(&mut session, self.tenant.id).await?
            }
        };
        let (lock, word) = match turn {
            Turn::Cut => (GateLock::Locked(Some(self.request.reason.as_str())), "locked"),
            Turn::GiveBack => (GateLock::Open { removed: &removed }, "unlocked"),
        };
        let pending = database.turn_gate(lock, marks).await?;
        if let Some(overtaken) = self.settle(turn, pending).await? {
            return Ok(overtaken);
        }
        database.close().await;
        let project = self.tenant.project_ref.as_ref();
        let place =
            project.map_or_else(|| home.name().to_string(), |project| format!("project {project}"));
        Ok((LayerVerdict::Done, format!("{word} in {place}")))
    }

    pub(super) async fn connections(&self) -> LayerReport {
        self.layer("connections", || async {
            let Some(home) = self.home().await? else {
                return Ok((LayerVerdict::Absent, "there is no login".to_owned()));
            };
            let mut operator = home.operator(Purpose::query(Act::Lockdown.word())).await?;
            let flags = match home.access_flags(&mut operator).await {
                Err(ServerError::NoDatabase(_)) => {
                    return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
                }
                // Between two statements of a create, which opens nothing once it sees the lock.
                Err(ServerError::Contradicted {
                    contradiction: Contradiction::NoStamp, ..
                }) if self.tenant.status == TenantStatus::Provisioning
                    && home.look(&mut operator).await?.is_some_and(|d| !d.allows_connections) =>
                {
                    let detail = "the database has no stamp yet, and allows no connections";
                    return Ok((LayerVerdict::Absent, detail.to_owned()));
                }
                flags => flags?,
            };
            self.keep_access(flags).await?;
            if let Some(pending) = home.let_login(&mut operator, false).await?
                && let Some(overtaken) = self.settle(Turn::Cut, pending).await?
            {
                return Ok(overtaken);
            }
            let deadline = self.request.patience.until();
            let ended = home.end_login_sessions(&mut operator, deadline).await?;
            let leftovers = home.clear_leftovers(&mut operator).await?;
            let left = shown(&leftovers);
            let was = match home.shut_note(&mut operator).await? {
                None => String::new(),
                Some(note) => {
                    let (since, by) = (instant(note.since), escape_controls(&note.by));
                    // The note goes once the trail tells of it.
                    let _note = self.notes.shut_alone.set(note);
                    format!("; shut without the control plane since {since} by {by}")
                }
            };
            Ok((LayerVerdict::Done, format!("login refused, {ended} sessions ended{left}{was}")))
        })
        .await
    }

    /// Keeps what the unlock gives back: the access as it was found, and of a deleted tenant what
    /// its `restore` would open. The tenant is read after the flags: a delete that shut them was
    /// recorded before.
    async fn keep_access(&self, flags: AccessFlags) -> Result<(), LayerError> {
        let mut session = self.world.plane.session().await?;
        let now = control_plane::find_by_id(&mut session, self.tenant.id).await?;
        let now = now.as_ref().unwrap_or(self.tenant);
        let before = match now.status_before_delete {
            Some(was) if now.deleted_at.is_some() => {
                let can_login = Some(was != TenantStatus::Provisioning);
                AccessFlags { can_login, allows_connections: true }
            }
            _ => flags,
        };
        let before = serde_json::to_value(before).unwrap_or_default();
        control_plane::keep_saved(&mut session, self.lockdown.id, SAVED_ACCESS, &before).await?;
        Ok(())
    }

    /// Takes the note of a login that was shut without the control plane, whose lockdown this has become.
    pub(super) async fn take_note(&self) -> Result<(), LayerError> {
        if let Some(home) = self.home().await? {
            let mut operator = home.operator(Purpose::query(Act::Lockdown.word())).await?;
            let _note = home.take_shut_note(&mut operator).await?;
        }
        Ok(())
    }

    pub(super) async fn give_connections_back(&self) -> LayerReport {
        self.layer("connections", || async {
            let saved = self.lockdown.saved.get(SAVED_ACCESS).cloned();
            let flags = saved.and_then(|saved| serde_json::from_value::<AccessFlags>(saved).ok());
            // A lockdown that had not come so far keeps nothing any more. A restore may have left
            // the login out all the same, because the tenant was locked.
            let is_in_use = self.tenant.status == TenantStatus::Active;
            let can_login = flags.map_or(is_in_use, |flags| flags.can_login == Some(true));
            let home = self.home().await?.filter(|_| flags.is_some() || can_login);
            let Some(home) = home else {
                return Ok((LayerVerdict::Absent, "nothing had been cut".to_owned()));
            };
            // Deleted meanwhile: access stays closed until the tenant is restored.
            if self.tenant.deleted_at.is_some() {
                return Ok((LayerVerdict::Unchanged, DELETED.to_owned()));
            }
            let mut operator = home.operator(Purpose::query(Act::Unlock.word())).await?;
            if can_login
                && let Some(pending) = home.let_login(&mut operator, true).await?
                && let Some(overtaken) = self.settle(Turn::GiveBack, pending).await?
            {
                return Ok(overtaken);
            }
            let _note = home.take_shut_note(&mut operator).await?;
            Ok((LayerVerdict::Done, "as they were before".to_owned()))
        })
        .await
    }

    /// Commits a change while the control plane still wants it; else takes it back and returns what
    /// to report.
    async fn settle(
        &self,
        turn: Turn,
        pending: Pending<'_>,
    ) -> Result<Option<(LayerVerdict, String)>, LayerError> {
        let looked = tokio::time::timeout(LOOK_PATIENCE, self.look()).await;
        let overtaken = match (turn, looked) {
            (Turn::Cut, Ok(Ok(now))) => match now.lockdown {
                Some(now) if now.id == self.lockdown.id && !now.is_lifting => None,
                _ => Some(failed(UNLOCKED)),
            },
            // What cannot be asked in time does not keep a tenant open.
            (Turn::Cut, _) => None,
            (Turn::GiveBack, Ok(Ok(now))) => match now.lockdown {
                _ if now.is_deleted => Some((LayerVerdict::Unchanged, DELETED.to_owned())),
                Some(now) if (now.id, now.cuts) == (self.lockdown.id, self.lockdown.cuts) => None,
                None if !now.is_locked => None,
                _ => Some(failed(LOCKED_AGAIN)),
            },
            (Turn::GiveBack, Ok(Err(error))) => return Err(error),
            (Turn::GiveBack, Err(_elapsed)) => {
                return Err(LayerError::Slow);
            }
        };
        match overtaken {
            None => pending.commit().await?,
            Some(_) => pending.take_back().await?,
        }
        Ok(overtaken)
    }

    /// Reads what the control plane says of the tenant now.
    async fn look(&self) -> Result<Now, LayerError> {
        let mut session = self.world.plane.session().await?;
        let lockdown = control_plane::find_lockdown(&mut session, self.tenant.id).await?;
        let tenant = control_plane::find_by_id(&mut session, self.tenant.id).await?;
        let is_locked = tenant.as_ref().is_none_or(Tenant::is_locked);
        let is_deleted = tenant.is_none_or(|tenant| tenant.deleted_at.is_some());
        Ok(Now { lockdown, is_locked, is_deleted })
    }
}

const DELETED: &str = "the tenant is deleted";
pub(super) const UNLOCKED: &str = "another command unlocks it meanwhile";
pub(super) const LOCKED_AGAIN: &str = "it was locked down again meanwhile, and stays so";

/// Which way a layer is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Cut,
    GiveBack,
}

impl Turn {
    fn act(self) -> Act {
        match self {
            Self::Cut => Act::Lockdown,
            Self::GiveBack => Act::Unlock,
        }
    }
}

/// What the control plane says of a tenant.
struct Now {
    /// The lockdown that is open.
    lockdown: Option<Lockdown>,
    is_locked: bool,
    is_deleted: bool,
}

/// Returns what survives the sessions, behind what was said of them.
pub(super) fn shown(leftovers: &Leftovers) -> String {
    let mut parts = Vec::new();
    if leftovers.rolled_back > 0 {
        parts.push(format!("{} of its prepared transactions rolled back", leftovers.rolled_back));
    }
    parts.extend(leftovers.prepared.iter().map(|Prepared { name, owner, .. }| {
        let (name, owner) = (escape_controls(name), escape_controls(owner));
        format!("the prepared transaction `{name}` stays: only `{owner}` or a superuser may end it")
    }));
    parts.extend(leftovers.slots.iter().map(|(slot, reader)| {
        let reader = reader.as_ref().map_or_else(
            || "no session reads it".to_owned(),
            |reader| format!("`{}`, a superuser, reads it", escape_controls(reader)),
        );
        format!("the replication slot `{slot}` stays, and {reader}")
    }));
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

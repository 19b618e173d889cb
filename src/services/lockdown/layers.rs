//! The layers of a cut that are at the tenant's own server, its gate and its connections, and what
//! gives them back.

use std::time::{Duration, Instant};

use super::layer::{LayerError, LayerReport, LayerVerdict, Worked};
use super::probe::is_closed;
use super::request::LockdownRequest;
use crate::adapters::control_plane::{self, Lockdown};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Access, AccessFlags, Home, Leftovers, Prepared, ServerError};
use crate::model::{Act, Classified, ErrorKind, Marks, Tenant, TenantStatus, escape_controls};
use crate::services::home::{RenewableHome, World};

/// How often a layer that does not answer is tried.
const TRIES: u32 = 3;

/// Under which a lockdown keeps the access flags it found.
const SAVED_ACCESS: &str = "access";

/// A cut, or what gives it back.
pub(super) struct Cut<'a> {
    pub(super) world: &'a World,
    pub(super) home: &'a RenewableHome<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) request: &'a LockdownRequest,
    pub(super) lockdown: &'a Lockdown,
    pub(super) started: Instant,
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
                Err(LayerError::Server(error)) if self.home.is_worth_renewing(&error) => {
                    self.home.renew(count).await;
                }
                Err(error) if error.kind() == ErrorKind::Unavailable && tried < TRIES => {
                    tokio::time::sleep(Duration::from_millis(200) * tried).await;
                }
                worked => break worked,
            }
        };
        let (verdict, detail) = worked.unwrap_or_else(|error| {
            let causes = error.chain();
            (LayerVerdict::Failed(causes.clone()), format!("failed to {}", causes.join(": ")))
        });
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        LayerReport { layer, verdict, detail, elapsed, at }
    }

    /// Returns the tenant's home; nothing where it never came to have a database.
    async fn home(&self) -> Result<Option<Home>, LayerError> {
        Ok(self.home.get().await?)
    }

    pub(super) async fn gate(&self, marks: Marks) -> LayerReport {
        self.layer("gate", || self.set_gate(Some(true), marks)).await
    }

    async fn set_gate(&self, lock: Option<bool>, marks: Marks) -> Worked {
        let Some(home) = self.home().await? else {
            return Ok((LayerVerdict::Absent, "there is no database".to_owned()));
        };
        let mut database = match home.enter(Purpose::query(Act::Lockdown.word())).await {
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
        let reason = self.request.reason.as_str();
        let lock = lock.map(|is_locked| (is_locked, is_locked.then_some(reason)));
        database.set_gate(lock, marks).await?;
        database.close().await;
        let word = if matches!(lock, Some((true, _))) { "locked" } else { "unlocked" };
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
                flags => flags?,
            };
            let mut session = self.world.plane.session().await?;
            // Of a deleted tenant, what its `restore` would open.
            let before = match self.tenant.status_before_delete {
                Some(was) if self.tenant.deleted_at.is_some() => {
                    let can_login = Some(was != TenantStatus::Provisioning);
                    AccessFlags { can_login, allows_connections: true }
                }
                _ => flags,
            };
            let before = serde_json::to_value(before).unwrap_or_default();
            control_plane::keep_saved(&mut session, self.lockdown.id, SAVED_ACCESS, &before)
                .await?;
            drop(session);
            let access =
                if flags.allows_connections { Access::OperatorOnly } else { Access::Closed };
            home.set_access(&mut operator, access).await?;
            let deadline = tokio::time::Instant::now() + self.request.patience;
            let ended = home.end_login_sessions(&mut operator, deadline).await?;
            let leftovers = home.clear_leftovers(&mut operator).await?;
            let left = shown(&leftovers);
            Ok((LayerVerdict::Done, format!("login refused, {ended} sessions ended{left}")))
        })
        .await
    }

    pub(super) async fn give_connections_back(&self) -> LayerReport {
        self.layer("connections", || async {
            let saved = self.lockdown.saved.get(SAVED_ACCESS).cloned();
            let flags = saved.and_then(|saved| serde_json::from_value::<AccessFlags>(saved).ok());
            let (Some(home), Some(flags)) = (self.home().await?, flags) else {
                return Ok((LayerVerdict::Absent, "nothing had been cut".to_owned()));
            };
            let mut operator = home.operator(Purpose::query(Act::Unlock.word())).await?;
            // Deleted meanwhile: access stays closed until the tenant is restored.
            if self.tenant.deleted_at.is_some() {
                return Ok((LayerVerdict::Unchanged, "the tenant is deleted".to_owned()));
            }
            home.set_access(&mut operator, flags.access()).await?;
            Ok((LayerVerdict::Done, "as they were before".to_owned()))
        })
        .await
    }

    pub(super) async fn shut_again(&self) -> LayerReport {
        self.layer("connections", || async {
            let Some(home) = self.home().await? else {
                return Ok((LayerVerdict::Absent, "there is no login".to_owned()));
            };
            let mut operator = home.operator(Purpose::query(Act::Unlock.word())).await?;
            home.set_access(&mut operator, Access::Closed).await?;
            let deadline = tokio::time::Instant::now() + self.request.patience;
            home.end_login_sessions(&mut operator, deadline).await?;
            Ok((LayerVerdict::Done, "the tenant was deleted meanwhile, so it is shut".to_owned()))
        })
        .await
    }

    pub(super) async fn open_gate(&self) -> LayerReport {
        self.layer("gate", || async {
            let marks = {
                let mut session = self.world.plane.session().await?;
                control_plane::marks_of(&mut session, self.tenant.id).await?
            };
            self.set_gate(Some(false), marks).await
        })
        .await
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
            || "no session reads it".to_owned(),
            |reader| format!("`{}`, a superuser, reads it", escape_controls(reader)),
        );
        format!("the replication slot `{slot}` stays, and {reader}")
    }));
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

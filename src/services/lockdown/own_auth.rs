//! The layer of the Auth that a tenant's own project has: everybody in it can reach the tenant's data,
//! so everybody is banned there and signed out, through its tables, and given back.
//!
//! What each was before is kept in the control plane, and before it is written.

use sqlx::postgres::PgConnection;

use super::bans::{AT_ONCE, SECOND_SWEEP};
use super::layer::{LayerError, LayerReport, LayerVerdict, Worked, failed};
use super::layers::{Cut, Turn, UNLOCKED};
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, BannedBy};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::ServerError;
use crate::model::{Act, Classified};
use crate::services::home::OwnAuth;

const LAYER: &str = "project_auth";

/// A session where the project's Auth has its tables.
enum Here {
    Found(PgConnection),
    /// Why there is nothing to do, or nothing that can be done.
    Not(LayerVerdict, String),
}

impl Cut<'_> {
    /// Bans and signs out everybody in the tenant's own project; nothing where it has none.
    pub(super) async fn own_auth(&self) -> Option<LayerReport> {
        if !self.home.has_own_auth() {
            return None;
        }
        Some(self.layer(LAYER, || self.ban_own_users()).await)
    }

    async fn ban_own_users(&self) -> Worked {
        let mut session = match self.enter_own_auth(Act::Lockdown).await? {
            Here::Found(session) => session,
            Here::Not(verdict, why) => return Ok((verdict, why)),
        };
        match self.ban_all(&mut session).await {
            // What may be read may still not be written.
            Err(LayerError::Server(ServerError::Postgres(error))) if error.is("42501") => {
                let why = format!(
                    "not covered: its tables may not be written, so signing in and refreshing there \
                     still gives tokens ({})",
                    error.chain().join(": ")
                );
                Ok((LayerVerdict::NotCovered, why))
            }
            done => done,
        }
    }

    async fn ban_all(&self, session: &mut PgConnection) -> Worked {
        let Some(first) = self.ban_and_sweep(session).await? else { return Ok(failed(UNLOCKED)) };
        // A sign-in that was under way may have left a session, and somebody may have signed up.
        tokio::time::sleep(SECOND_SWEEP).await;
        let Some(second) = self.ban_and_sweep(session).await? else { return Ok(failed(UNLOCKED)) };
        if self.overtaken(Turn::Cut).await?.is_some() {
            self.unban_own(session).await?;
            return Ok(failed(UNLOCKED));
        }
        let detail = format!(
            "{} users banned, {} sessions deleted, {} more in the second sweep; who signs up there from \
             now on has the gate before them",
            second.0, first.1, second.1
        );
        Ok((LayerVerdict::Done, detail))
    }

    /// Returns how many users are banned and how many sessions ended; nothing when the lockdown is
    /// being lifted.
    async fn ban_and_sweep(
        &self,
        session: &mut PgConnection,
    ) -> Result<Option<(usize, u64)>, LayerError> {
        let there = |error: PgError| LayerError::Server(error.into());
        let users = auth_tables::own_users(session, self.tenant.id).await.map_err(there)?;
        let all = users.all();
        {
            let (mut plane, by) = (self.world.plane.session().await?, BannedBy::Project);
            if !control_plane::keep_banned(&mut plane, self.lockdown.id, by, &users.free).await? {
                self.unban_own(session).await?;
                return Ok(None);
            }
        }
        for some in all.chunks(AT_ONCE) {
            auth_tables::ban(session, some).await.map_err(there)?;
        }
        let swept = auth_tables::sweep(session, &all).await.map_err(there)?;
        Ok(Some((all.len(), swept.sessions)))
    }

    /// Lifts exactly the bans that this lockdown set in the tenant's own project.
    pub(super) async fn unban_own_users(&self) -> Option<LayerReport> {
        if !self.home.has_own_auth() {
            return None;
        }
        let work = || async {
            let kept = self.lockdown.saved.get(BannedBy::Project.word());
            let has_any =
                kept.and_then(|kept| kept.as_object()).is_some_and(|kept| !kept.is_empty());
            if !has_any {
                return Ok((LayerVerdict::Absent, "no user had been banned".to_owned()));
            }
            let mut session = match self.enter_own_auth(Act::Unlock).await? {
                Here::Found(session) => session,
                Here::Not(LayerVerdict::Absent, why) => return Ok((LayerVerdict::Absent, why)),
                Here::Not(_, why) => return Ok(failed(&format!("failed to lift bans: {why}"))),
            };
            let lifted = self.unban_own(&mut session).await?;
            Ok((LayerVerdict::Done, format!("{lifted} bans lifted")))
        };
        Some(self.layer(LAYER, work).await)
    }

    async fn unban_own(&self, session: &mut PgConnection) -> Result<u64, LayerError> {
        let bans = {
            let mut plane = self.world.plane.session().await?;
            control_plane::kept_bans(&mut plane, self.lockdown.id, BannedBy::Project).await?
        };
        let lifted = auth_tables::give_back(session, &bans).await;
        lifted.map_err(|error| LayerError::Server(error.into()))
    }

    async fn enter_own_auth(&self, act: Act) -> Result<Here, LayerError> {
        let absent = |why: &str| Ok(Here::Not(LayerVerdict::Absent, why.to_owned()));
        let Some(home) = self.home.get().await? else { return absent("there is no project") };
        Ok(match OwnAuth::in_home(&home, Purpose::query(act.word())).await? {
            OwnAuth::Here(session) => Here::Found(session),
            OwnAuth::Absent(why) => Here::Not(LayerVerdict::Absent, why.to_owned()),
            OwnAuth::Hidden(why) => Here::Not(
                LayerVerdict::NotCovered,
                format!(
                    "not covered: {why}, so signing in and refreshing there still gives tokens"
                ),
            ),
        })
    }
}

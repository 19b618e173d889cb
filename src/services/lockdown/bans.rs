//! The layer of Supabase Auth: who works in the tenant is banned there, and given back.
//!
//! Through its tables, where they are in the control plane's database: that ends sessions as well.
//! Else through its admin API (`by_api`).

use std::time::Duration;

use super::layer::{LayerError, LayerReport, LayerVerdict, failed};
use super::layers::{Cut, UNLOCKED};
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, BannedBy, ControlPlaneError};
use crate::adapters::postgres::PgError;
use sqlx::Connection;

/// How many users are banned at once: whoever of them signs in meanwhile waits for all of those.
pub(super) const AT_ONCE: usize = 5_000;

/// How long after the first sweep of Supabase Auth the second one follows: a sign-in that was under
/// way when the ban was written can still insert a session.
pub(super) const SECOND_SWEEP: Duration = Duration::from_secs(3);

impl Cut<'_> {
    /// Bans the tenant's users by whichever way there is.
    pub(super) async fn auth(&self) -> LayerReport {
        // Before the layer's own end, so that it says how far it came.
        let deadline = self.request.patience.leaving_time().leaving_time().until();
        self.layer("auth", || async {
            let by_tables = self.ban_by_tables().await;
            let admin = &self.request.auth_admin;
            match (by_tables, admin) {
                (Ok(Some(done)), _) => Ok(done),
                (Ok(None), Some(admin)) => self.ban_by_api(admin, deadline).await,
                (Err(error), Some(admin)) if is_denied(&error) => self.ban_by_api(admin, deadline).await,
                (Err(error), _) => Err(error),
                (Ok(None), None) => {
                    drop(self.notes.coming.take());
                    let detail = "not covered: no Supabase Auth beside the control plane, and no key for \
                         the admin API of one elsewhere: signing in and refreshing there still gives \
                         tokens";
                    Ok((LayerVerdict::NotCovered, detail.to_owned()))
                }
            }
        })
        .await
    }

    /// Bans and signs out through Auth's own tables; nothing where they are not.
    async fn ban_by_tables(&self) -> Result<Option<(LayerVerdict, String)>, LayerError> {
        let mut session = self.world.plane.session().await?;
        if !auth_tables::has_auth(&mut session).await? {
            return Ok(None);
        }
        // Rows that are hidden look like nobody.
        if !auth_tables::sees_auth(&mut session).await? {
            return Err(LayerError::Hidden);
        }
        let users = control_plane::auth_members(&mut session, self.tenant.id).await?;
        if users.is_empty() {
            let detail = "the tenant has no users there".to_owned();
            return Ok(Some((LayerVerdict::Unchanged, detail)));
        }
        let doing = || PgError::doing("ban the tenant's users");
        for some in users.chunks(AT_ONCE) {
            let mut transaction = session.begin().await.map_err(doing())?;
            let bans = auth_tables::ban(&mut transaction, some).await?;
            let by = BannedBy::Tables;
            if !control_plane::keep_banned(&mut transaction, self.lockdown.id, by, &bans).await? {
                transaction.rollback().await.map_err(doing())?;
                return Ok(Some(failed(UNLOCKED)));
            }
            transaction.commit().await.map_err(doing())?;
        }
        // Short of deleting the user, no admin route of Auth ends a session: its logout acts for the
        // bearer only (supabase/auth `internal/api/logout.go`, read 2026-11). So the rows go.
        let first = auth_tables::sweep(&mut session, &users).await?;
        tokio::time::sleep(SECOND_SWEEP).await;
        let second = auth_tables::sweep(&mut session, &users).await?;
        let detail = format!(
            "{} users banned, {} sessions deleted, {} more in the second sweep",
            users.len(),
            first.sessions,
            second.sessions
        );
        Ok(Some((LayerVerdict::Done, detail)))
    }

    /// Lifts exactly the bans that this lockdown set.
    pub(super) async fn unban(&self) -> LayerReport {
        let deadline = self.request.patience.until();
        self.layer("auth", || async {
            let has = |by: BannedBy| {
                let saved = self.lockdown.saved.get(by.word());
                saved.and_then(serde_json::Value::as_object).is_some_and(|bans| !bans.is_empty())
            };
            let (by_tables, by_api) = (has(BannedBy::Tables), has(BannedBy::AdminApi));
            if !by_tables && !by_api {
                return Ok((LayerVerdict::Absent, "no user had been banned".to_owned()));
            }
            let (mut lifted, mut kept) = (0, 0);
            if by_tables {
                let mut session = self.world.plane.session().await?;
                let by_tables = control_plane::unban(&mut session, self.lockdown.id).await?;
                (lifted, kept) = (by_tables.lifted, by_tables.kept);
            }
            if by_api {
                let (lifted_too, kept_too) = self.unban_by_api(deadline).await?;
                (lifted, kept) = (lifted + lifted_too, kept + kept_too);
            }
            let kept = if kept == 0 {
                String::new()
            } else {
                format!(", {kept} kept for another tenant that is locked down")
            };
            Ok((LayerVerdict::Done, format!("{lifted} bans lifted{kept}")))
        })
        .await
    }
}

/// Returns whether the tables are there and not ours to write.
fn is_denied(error: &LayerError) -> bool {
    match error {
        LayerError::Hidden => true,
        LayerError::ControlPlane(ControlPlaneError::Postgres(error)) => error.is("42501"),
        _ => false,
    }
}

//! The layer of Supabase Auth: who works in the tenant is banned there, and given back.
//!
//! Through its tables, where they are in the control plane's database: that ends sessions as well.
//! Else through its admin API, which bans and no more: nothing is refreshed from then on, and access
//! tokens that are out live until they expire.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::Connection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::layer::{LayerError, LayerReport, LayerVerdict, Worked};
use super::layers::{Cut, Turn, UNLOCKED, failed};
use crate::adapters::auth_admin::{AuthAdmin, BAN, Standing};
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, BannedBy, ControlPlaneError};
use crate::adapters::postgres::PgError;
use crate::model::Ban;

/// How long after the first sweep of Supabase Auth the second one follows: a sign-in that was under
/// way when the ban was written can still insert a session.
const SECOND_SWEEP: Duration = Duration::from_secs(3);

/// A ban that ends later than this from now is a lockdown's.
const LOCKDOWN_BAN: Duration = Duration::from_hours(99 * 365 * 24);

/// How many users are asked about at the same time.
const AT_ONCE: usize = 8;

impl Cut<'_> {
    /// Bans the tenant's users by whichever way there is.
    pub(super) async fn auth(&self) -> LayerReport {
        self.layer("auth", || async {
            let by_tables = self.ban_by_tables().await;
            let admin = &self.request.auth_admin;
            match (by_tables, admin) {
                (Ok(Some(done)), _) => Ok(done),
                (Ok(None), Some(admin)) => self.ban_by_api(admin).await,
                (Err(error), Some(admin)) if is_denied(&error) => self.ban_by_api(admin).await,
                (Err(error), _) => Err(error),
                (Ok(None), None) => {
                    let detail = "not covered: no Supabase Auth beside the control plane and no key \
                         for its admin API, so signing in and refreshing there still gives tokens";
                    Ok((LayerVerdict::Absent, detail.to_owned()))
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
        let users = control_plane::auth_members(&mut session, self.tenant.id).await?;
        if users.is_empty() {
            let detail = "the tenant has no users there".to_owned();
            return Ok(Some((LayerVerdict::Unchanged, detail)));
        }
        let doing = || PgError::doing("ban the tenant's users");
        let mut transaction = session.begin().await.map_err(doing())?;
        let bans = auth_tables::ban(&mut transaction, &users).await?;
        let by = BannedBy::Tables;
        if !control_plane::keep_banned(&mut transaction, self.lockdown.id, by, &bans).await? {
            transaction.rollback().await.map_err(doing())?;
            return Ok(Some(failed(UNLOCKED)));
        }
        transaction.commit().await.map_err(doing())?;
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

    /// Bans everybody who is recorded as working in the tenant. What each was before is kept before
    /// the ban is sent, so nothing that was done is forgotten.
    async fn ban_by_api(&self, admin: &AuthAdmin) -> Worked {
        let deadline = tokio::time::Instant::now() + self.request.patience;
        let (users, now) = {
            let mut session = self.world.plane.session().await?;
            let users = control_plane::members(&mut session, self.tenant.id).await?;
            (users, control_plane::now(&mut session).await?)
        };
        if users.is_empty() {
            let detail = "no user of the tenant is recorded".to_owned();
            return Ok((LayerVerdict::Unchanged, detail));
        }
        let (mut banned, mut unknown) = (0, 0);
        for some in users.chunks(AT_ONCE) {
            let looks = some.iter().map(|user| admin.standing(*user, deadline));
            let mut bans = Vec::new();
            for (user, found) in some.iter().zip(join_all(looks).await) {
                match found? {
                    Standing::Unknown => unknown += 1,
                    // By another lockdown or by an earlier run of this one.
                    Standing::BannedUntil(until) if until > now + LOCKDOWN_BAN => banned += 1,
                    before => {
                        let until_before = before.until().and_then(|at| at.format(&Rfc3339).ok());
                        bans.push(Ban { user: *user, until_before });
                    }
                }
            }
            if bans.is_empty() {
                continue;
            }
            // Kept before it is sent: a ban that is forgotten is never lifted, one that is kept and
            // was not sent is lifted without effect.
            {
                let (mut session, by) = (self.world.plane.session().await?, BannedBy::AdminApi);
                let id = self.lockdown.id;
                if !control_plane::keep_banned(&mut session, id, by, &bans).await? {
                    return Ok(failed(UNLOCKED));
                }
            }
            let acts = bans.iter().map(|ban| admin.ban(ban.user, Some(BAN), deadline));
            for done in join_all(acts).await {
                match done? {
                    Standing::Unknown => unknown += 1,
                    Standing::BannedUntil(until) if until > now + LOCKDOWN_BAN => banned += 1,
                    _ => return Err(LayerError::Auth("see a ban that Auth had accepted")),
                }
            }
        }
        // Lifted before it was sent, a ban would stay.
        if self.overtaken(Turn::Cut).await?.is_some() {
            self.unban_by_api().await?;
            return Ok(failed(UNLOCKED));
        }
        let unknown = match unknown {
            0 => String::new(),
            some => format!(", {some} unknown there"),
        };
        let detail = format!(
            "{banned} users banned through Auth's admin API{unknown}; nothing is refreshed, but it \
             ends no session: access tokens that are out live until they expire"
        );
        Ok((LayerVerdict::Done, detail))
    }

    /// Lifts exactly the bans that this lockdown set.
    pub(super) async fn unban(&self) -> LayerReport {
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
                let (lifted_too, kept_too) = self.unban_by_api().await?;
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

    async fn unban_by_api(&self) -> Result<(i64, i64), LayerError> {
        let Some(admin) = &self.request.auth_admin else {
            let problem = "lift the bans without TENANTCTL_AUTH_URL and TENANTCTL_AUTH_SERVICE_KEY";
            return Err(LayerError::Auth(problem));
        };
        let deadline = tokio::time::Instant::now() + self.request.patience;
        let (bans, kept, now) = {
            let mut session = self.world.plane.session().await?;
            let (bans, kept) =
                control_plane::hand_bans_over(&mut session, self.lockdown.id).await?;
            (bans, kept, control_plane::now(&mut session).await?)
        };
        let mut lifted = 0;
        for some in bans.chunks(AT_ONCE) {
            let acts = some.iter().map(|ban| give_back(admin, ban, now, deadline));
            for done in join_all(acts).await {
                lifted += i64::from(done?);
            }
        }
        Ok((lifted, kept))
    }
}

/// Gives a user back the ban they had before; false when ours is not there any more.
async fn give_back(
    admin: &AuthAdmin,
    ban: &Ban,
    now: OffsetDateTime,
    deadline: tokio::time::Instant,
) -> Result<bool, LayerError> {
    let found = admin.standing(ban.user, deadline).await?.until();
    if found.is_none_or(|until| until <= now + LOCKDOWN_BAN) {
        return Ok(false);
    }
    let before = ban.until_before.as_deref();
    let before = before.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let left = before.and_then(|until| Duration::try_from(until - now).ok());
    admin.ban(ban.user, left.filter(|left| !left.is_zero()), deadline).await?;
    Ok(true)
}

/// Returns whether the tables are there and not ours to write.
fn is_denied(error: &LayerError) -> bool {
    matches!(
        error,
        LayerError::ControlPlane(ControlPlaneError::Postgres(error)) if error.is("42501")
    )
}

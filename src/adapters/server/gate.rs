//! The gate inside a tenant's database: marks that refuse tokens, and what it says to one.
//!
//! Marks only ever rise, so pushing the same again is harmless.

use sqlx::AssertSqlSafe;
use time::OffsetDateTime;

use super::database::TenantDatabase;
use super::error::ServerError;
use super::pending::{self, Pending};
use super::role_names::APP;
use crate::adapters::postgres::PgError;
use crate::model::{Jti, Marks, UserId};

type Result<T> = std::result::Result<T, ServerError>;

/// A token that is refused by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// One session, or under Auth's id a whole sign-in: until its last token has run out where its
    /// end in Auth was seen, else for good, since a refresh would bring it back.
    Session(Jti, Option<OffsetDateTime>),
    /// Every session of a user that began up to this instant of the control plane's clock.
    User(UserId, OffsetDateTime),
}

/// Whether the gate lets anybody through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GateLock<'a> {
    /// Everybody but those who were removed from the tenant.
    Open { removed: &'a [UserId] },
    /// Nobody, and why.
    Locked(Option<&'a str>),
}

impl TenantDatabase {
    /// Raises the gate's marks.
    pub(crate) async fn raise_marks(&mut self, marks: Marks) -> Result<()> {
        self.write_gate(None, marks).await
    }

    /// Locks the gate, for a reason, or unlocks it, and raises its marks; all of it as soon as the
    /// change is committed.
    pub(crate) async fn turn_gate(
        &mut self,
        lock: GateLock<'_>,
        marks: Marks,
    ) -> Result<Pending<'_>> {
        pending::begin(self.connection()).await?;
        // A removal whose gate was out of reach, or did not stand yet.
        if let GateLock::Open { removed } = lock {
            self.deny_removed(removed).await?;
        }
        self.write_gate(Some(lock), marks).await?;
        Ok(Pending::made(self.connection()))
    }

    async fn write_gate(&mut self, lock: Option<GateLock<'_>>, marks: Marks) -> Result<()> {
        let (is_locked, reason) = match lock {
            None => (None, None),
            Some(GateLock::Open { .. }) => (Some(false), None),
            Some(GateLock::Locked(reason)) => (Some(true), reason),
        };
        let now: Option<(bool, bool)> = sqlx::query_as(
            r"UPDATE tenantctl.gate SET epoch = greatest(epoch, $1),
                sessions_not_before = greatest(sessions_not_before, $2),
                locked = coalesce($3, locked),
                lock_reason = CASE WHEN $3 IS NULL THEN lock_reason ELSE $4 END
            RETURNING locked = coalesce($3, locked),
                epoch >= $1 AND ($2 IS NULL OR sessions_not_before >= $2) IS TRUE",
        )
        .bind(marks.epoch)
        .bind(marks.not_before)
        .bind(is_locked)
        .bind(reason)
        .fetch_optional(self.connection())
        .await
        .map_err(PgError::doing("set the tenant's gate"))?;
        // Without its row the gate refuses every token, and it cannot be opened either.
        match now {
            Some((true, true)) => Ok(()),
            Some(_) => Err(ServerError::Gate("it does not hold what was written to it")),
            None => Err(ServerError::Gate("its row is missing")),
        }
    }

    /// Refuses one session or one user at the gate, and forgets refusals that no token outlives.
    pub(crate) async fn deny(&mut self, denial: &Denial) -> Result<()> {
        let doing = || PgError::doing("refuse the token at the tenant's gate");
        let statement = match denial {
            // `greatest` would take a date for more than none.
            Denial::Session(jti, until) => sqlx::query(
                r"INSERT INTO tenantctl.denied (jti, until) VALUES ($1, $2)
                ON CONFLICT (jti) DO UPDATE SET until = excluded.until",
            )
            .bind(jti.as_str())
            .bind(*until),
            Denial::User(user, since) => sqlx::query(
                r"INSERT INTO tenantctl.denied (user_id, denied_at) VALUES ($1, $2)
                ON CONFLICT (user_id) DO UPDATE
                SET denied_at = greatest(denied.denied_at, excluded.denied_at), until = NULL",
            )
            .bind(user.0)
            .bind(*since),
        };
        statement.execute(self.connection()).await.map_err(doing())?;
        sqlx::query("DELETE FROM tenantctl.denied WHERE until <= now()")
            .execute(self.connection())
            .await
            .map_err(doing())?;
        Ok(())
    }

    /// Refuses users whatever they come with.
    async fn deny_removed(&mut self, users: &[UserId]) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        let users: Vec<_> = users.iter().map(|user| user.0).collect();
        sqlx::query(
            r"INSERT INTO tenantctl.denied (user_id, denied_at)
            SELECT removed, 'infinity' FROM unnest($1::uuid[]) removed
            ON CONFLICT (user_id) DO UPDATE SET denied_at = excluded.denied_at, until = NULL",
        )
        .bind(users)
        .execute(self.connection())
        .await
        .map_err(PgError::doing("refuse at the tenant's gate who was removed"))?;
        Ok(())
    }

    /// Refuses a user who was removed, whatever they come with; as soon as the change is committed.
    pub(crate) async fn deny_member(&mut self, user: UserId) -> Result<Pending<'_>> {
        self.hold_gate().await?;
        self.deny_removed(&[user]).await?;
        Ok(Pending::made(self.connection()))
    }

    /// Begins a change that others of its kind wait for: a user who is not denied yet has no row.
    async fn hold_gate(&mut self) -> Result<()> {
        pending::begin(self.connection()).await?;
        let doing = PgError::doing("hold the tenant's gate");
        let held = sqlx::query("SELECT FROM tenantctl.gate FOR NO KEY UPDATE");
        held.execute(self.connection()).await.map_err(doing)?;
        Ok(())
    }

    /// Lets a user in again who was removed, with sessions that begin after this instant; as soon as
    /// the change is committed.
    pub(crate) async fn readmit(
        &mut self,
        user: UserId,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Pending<'_>> {
        self.hold_gate().await?;
        sqlx::query(
            r"UPDATE tenantctl.denied SET denied_at = coalesce($2, clock_timestamp())
            WHERE user_id = $1 AND denied_at = 'infinity'",
        )
        .bind(user.0)
        .bind(not_before)
        .execute(self.connection())
        .await
        .map_err(PgError::doing("let the user through the tenant's gate again"))?;
        Ok(Pending::made(self.connection()))
    }

    /// Returns the second it is here, as a token issued now would say it.
    pub(crate) async fn second(&mut self) -> Result<i64> {
        let second =
            sqlx::query_scalar("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
                .fetch_one(self.connection())
                .await
                .map_err(PgError::doing("ask for the time"))?;
        Ok(second)
    }

    /// Asks the gate, as the application's group and with a token's claims, whether a statement
    /// would get through. Of a token that names no tenant the application says itself for whom it
    /// asks.
    pub(crate) async fn gate_lets_in(&mut self, claims: &serde_json::Value) -> Result<bool> {
        let is_named = claims.pointer("/app_metadata/tenant_id").is_some();
        let said = (!is_named).then(|| self.home().identity.tenant_id.to_string());
        let doing = || PgError::doing("ask the tenant's gate");
        let mut transaction = sqlx::Connection::begin(self.connection()).await.map_err(doing())?;
        sqlx::raw_sql(AssertSqlSafe(format!("RESET ROLE; SET LOCAL ROLE {APP}")))
            .execute(&mut *transaction)
            .await
            .map_err(doing())?;
        let is_allowed = sqlx::query_scalar(
            r"SELECT set_config('request.jwt.claims', $1, true) IS NOT NULL
                AND set_config('app.current_tenant_id', $2, true) IS NOT NULL
                AND coalesce(tenantctl.access_allowed(), false)",
        )
        .bind(claims.to_string())
        .bind(said.unwrap_or_default())
        .fetch_one(&mut *transaction)
        .await
        .map_err(doing())?;
        // Nothing of the probe stays; the session is closed afterwards anyway.
        transaction.rollback().await.map_err(doing())?;
        Ok(is_allowed)
    }
}

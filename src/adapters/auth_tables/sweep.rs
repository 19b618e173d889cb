//! `auth.sessions` and what else would open a session: ended.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::users::ids;
use crate::adapters::postgres::PgError;
use crate::model::UserId;

type Result<T> = std::result::Result<T, PgError>;

/// The rows of how many users are locked at once: whoever waits for one waits for all of them.
const AT_ONCE: usize = 2_000;

/// How many rows a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Swept {
    /// Of `auth.sessions`.
    pub sessions: u64,
    /// What was proven before and would open a session after: sign-ins under way, codes, links.
    pub proofs: u64,
}

/// A statement that takes from users what would open a session for them, where its table is there: an
/// older Auth does not have all of them.
struct Proof {
    table: &'static str,
    statement: &'static str,
}

/// Sign-ins under way and their codes, codes of Auth's OAuth server, links, and the columns that typed
/// codes are compared with (supabase/auth `internal/models/`, read 2026-11: the rows of
/// `one_time_tokens` and those columns say nothing of each other). A first confirmation and an
/// invitation stay.
const PROOFS: [Proof; 4] = [
    Proof {
        table: "auth.flow_state",
        statement: "DELETE FROM auth.flow_state WHERE user_id = ANY ($1)",
    },
    Proof {
        table: "auth.oauth_authorizations",
        statement: "DELETE FROM auth.oauth_authorizations WHERE user_id = ANY ($1)",
    },
    Proof {
        table: "auth.one_time_tokens",
        statement: r"DELETE FROM auth.one_time_tokens o USING auth.users u
            WHERE o.user_id = ANY ($1) AND u.id = o.user_id AND (
                o.token_type::text <> 'confirmation_token'
                OR num_nonnulls(u.email_confirmed_at, u.phone_confirmed_at) > 0)",
    },
    Proof {
        table: "auth.users",
        statement: r"UPDATE auth.users u SET recovery_token = '', email_change_token_new = '',
                email_change_token_current = '', phone_change_token = '',
                reauthentication_token = '', confirmation_token = CASE
                    WHEN num_nonnulls(u.email_confirmed_at, u.phone_confirmed_at) > 0 THEN ''
                    ELSE u.confirmation_token END
            FROM (SELECT id FROM auth.users WHERE id = ANY ($1) AND (
                    concat(recovery_token, email_change_token_new, email_change_token_current,
                        phone_change_token, reauthentication_token) <> ''
                    OR confirmation_token <> ''
                        AND num_nonnulls(email_confirmed_at, phone_confirmed_at) > 0)
                ORDER BY id FOR UPDATE) held
            WHERE u.id = held.id",
    },
];

/// Deletes sessions, sign-ins under way and what else was proven before. The ban comes first:
/// otherwise a client refreshes between the two.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn sweep(connection: &mut PgConnection, users: &[UserId]) -> Result<Swept> {
    let mut sessions = 0;
    for some in users.chunks(AT_ONCE) {
        let done = sqlx::query(
            r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
            DELETE FROM auth.sessions d USING (
                SELECT id FROM auth.sessions
                WHERE user_id = ANY ($1) AND (SELECT count(*) FROM own) = 1
                ORDER BY id FOR UPDATE) ended
            WHERE d.id = ended.id",
        )
        .bind(ids(some))
        .execute(&mut *connection)
        .await
        .map_err(PgError::doing("delete the sessions in Supabase Auth"))?;
        sessions += done.rows_affected();
    }
    let proofs = end_proofs(connection, users).await?;
    Ok(Swept { sessions, proofs })
}

/// Deletes sessions by their ids; returns how many there were. What is no id of Auth's is none of its
/// sessions.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn end_sessions(connection: &mut PgConnection, ids: &[String]) -> Result<u64> {
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        DELETE FROM auth.sessions d USING (
            SELECT id FROM auth.sessions
            WHERE id = ANY ($1) AND (SELECT count(*) FROM own) = 1 ORDER BY id FOR UPDATE) ended
        WHERE d.id = ended.id",
    )
    .bind(ids)
    .execute(connection)
    .await
    .map_err(PgError::doing("delete the sessions in Supabase Auth"))?;
    Ok(done.rows_affected())
}

/// Takes from users what would open a session for them; returns how many rows there were.
pub(crate) async fn end_proofs(connection: &mut PgConnection, users: &[UserId]) -> Result<u64> {
    let doing = || PgError::doing("end the sign-ins under way in Supabase Auth");
    let mut ended = 0;
    for Proof { table, statement } in PROOFS {
        let is_here: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .map_err(doing())?;
        if !is_here {
            continue;
        }
        for some in users.chunks(AT_ONCE) {
            let done = sqlx::query(statement).bind(ids(some)).execute(&mut *connection).await;
            ended += done.map_err(doing())?.rows_affected();
        }
    }
    Ok(ended)
}

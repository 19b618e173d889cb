//! The triggers on Supabase Auth's tables, and what they missed.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};

type Result<T> = std::result::Result<T, ControlPlaneError>;

struct Trigger {
    name: &'static str,
    table: &'static str,
    /// From the event to the end.
    fires: &'static str,
}

const TRIGGERS: [Trigger; 2] = [
    Trigger {
        name: "tenantctl_sessions_ended",
        table: "auth.sessions",
        fires: "AFTER DELETE ON auth.sessions REFERENCING OLD TABLE AS ended \
                FOR EACH STATEMENT EXECUTE FUNCTION control_plane.auth_sessions_ended()",
    },
    Trigger {
        name: "tenantctl_user_changed",
        table: "auth.users",
        fires: "AFTER UPDATE ON auth.users FOR EACH ROW WHEN ( \
                OLD.banned_until IS DISTINCT FROM NEW.banned_until \
                OR OLD.raw_app_meta_data -> 'tenant_id' \
                    IS DISTINCT FROM NEW.raw_app_meta_data -> 'tenant_id') \
                EXECUTE FUNCTION control_plane.auth_user_changed()",
    },
];

/// How many sessions are compared at once.
const BATCH: i64 = 10_000;

/// Makes the triggers that are not there, each in a transaction of its own; does nothing where Auth's
/// tables are elsewhere or may not be changed.
///
/// # Errors
/// When a table is locked.
pub(crate) async fn watch_auth(connection: &mut PgConnection) -> Result<()> {
    for Trigger { name, table, fires } in TRIGGERS {
        let is_wanted: bool = sqlx::query_scalar(
            r"SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname || '.' || c.relname = $1 AND c.relkind = 'r'
                    AND has_schema_privilege(n.oid, 'USAGE')
                    AND has_table_privilege(c.oid, 'TRIGGER')
                    AND NOT EXISTS (SELECT FROM pg_trigger t
                        WHERE t.tgrelid = c.oid AND t.tgname = $2))",
        )
        .bind(table)
        .bind(name)
        .fetch_one(&mut *connection)
        .await
        .map_err(PgError::doing("look for the triggers on Supabase Auth's tables"))?;
        if is_wanted {
            let text = format!("CREATE OR REPLACE TRIGGER {name} {fires}");
            sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut *connection)
                .await
                .map_err(PgError::doing("make the triggers on Supabase Auth's tables"))?;
        }
    }
    Ok(())
}

row! {
    /// Sessions that were compared: the last of them, and how many had ended.
    struct Batch {
        last: Option<String>,
        noted: i64,
    }
}

/// Notes the valid sessions that Auth does not have any more and whose end no trigger saw; returns how
/// many. Only where Auth's sessions can be seen: those that row security hides would count as ended.
///
/// A session whose id is its own was issued here, and Auth never had it.
pub(crate) async fn note_signed_out(connection: &mut PgConnection) -> Result<u64> {
    let doing = || PgError::doing("compare the sessions with Supabase Auth's");
    let (mut noted, mut last) = (0, String::new());
    loop {
        // One look-up by key for each: a batch locks what it changes, and nobody waits for the whole.
        let batch: Batch = sqlx::query_as(
            r"WITH here AS MATERIALIZED (
                SELECT p.jti, p.session_id, p.expires_at, p.revoked_at, p.signed_out_at
                FROM control_plane.sessions p WHERE p.jti > $1 ORDER BY p.jti LIMIT $2
            ), ended AS (
                SELECT h.jti FROM here h CROSS JOIN LATERAL (
                    SELECT control_plane.claim_uuid(to_jsonb(h.session_id)) AS id OFFSET 0) auth
                WHERE h.jti <> h.session_id AND h.expires_at > statement_timestamp()
                    AND h.signed_out_at IS NULL AND h.revoked_at IS NULL AND auth.id IS NOT NULL
                    AND NOT EXISTS (SELECT FROM auth.sessions a WHERE a.id = auth.id)
            ), noted AS (
                UPDATE control_plane.sessions s SET signed_out_at = clock_timestamp()
                WHERE s.jti = ANY (ARRAY(
                    SELECT p.jti FROM control_plane.sessions p
                    WHERE p.jti = ANY (ARRAY(SELECT jti FROM ended))
                    ORDER BY p.jti FOR UPDATE SKIP LOCKED))
                RETURNING s.jti
            ) SELECT (SELECT max(jti) FROM here) AS last, (SELECT count(*) FROM noted) AS noted",
        )
        .bind(&last)
        .bind(BATCH)
        .fetch_one(&mut *connection)
        .await
        .map_err(doing())?;
        noted += u64::try_from(batch.noted).unwrap_or_default();
        match batch.last {
            Some(jti) => last = jti,
            None => return Ok(noted),
        }
    }
}

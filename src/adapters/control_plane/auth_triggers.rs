//! The triggers on Supabase Auth's tables, and what they missed.
//!
//! A sign-in has two seconds (Auth's limit for the hook), so no lock in front of it is held or waited
//! for longer than a moment.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;

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

/// How long a trigger's table is waited for at once; Auth's statements wait behind that.
const WAIT: &str = "200ms";

/// How often, and the pause between, in which Auth goes on.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Makes the triggers that are not there, each in a transaction of its own; does nothing where Auth's
/// tables are elsewhere or may not be changed.
///
/// # Errors
/// When a table stays locked for ten seconds.
pub(crate) async fn watch_auth(connection: &mut PgConnection) -> Result<()> {
    for trigger in TRIGGERS {
        let is_wanted: bool = sqlx::query_scalar(
            r"SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname || '.' || c.relname = $1 AND c.relkind = 'r'
                    AND has_schema_privilege(n.oid, 'USAGE')
                    AND has_table_privilege(c.oid, 'TRIGGER')
                    AND NOT EXISTS (SELECT FROM pg_trigger t
                        WHERE t.tgrelid = c.oid AND t.tgname = $2))",
        )
        .bind(trigger.table)
        .bind(trigger.name)
        .fetch_one(&mut *connection)
        .await
        .map_err(PgError::doing("look for the triggers on Supabase Auth's tables"))?;
        if is_wanted {
            create(connection, &trigger).await?;
        }
    }
    Ok(())
}

async fn create(connection: &mut PgConnection, trigger: &Trigger) -> Result<()> {
    let doing = || PgError::doing("make the triggers on Supabase Auth's tables");
    let text = format!(
        "SET LOCAL lock_timeout = '{WAIT}'; CREATE OR REPLACE TRIGGER {} {}",
        trigger.name, trigger.fires
    );
    for attempt in 1.. {
        let mut transaction = connection.begin().await.map_err(doing())?;
        let done = sqlx::raw_sql(AssertSqlSafe(text.clone())).execute(&mut *transaction).await;
        match done {
            Ok(_) => return Ok(transaction.commit().await.map_err(doing())?),
            Err(error) => {
                transaction.rollback().await.map_err(doing())?;
                let error = doing()(error);
                if !error.is("55P03") || attempt == ATTEMPTS {
                    return Err(error.into());
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Notes the sessions that Auth does not have any more and whose end no trigger saw; returns how
/// many. Nothing where Auth's tables are elsewhere, or where row security would hide their rows.
///
/// A session whose id is its own was issued here, and Auth never had it.
pub(crate) async fn note_signed_out(connection: &mut PgConnection) -> Result<u64> {
    let doing = || PgError::doing("compare the sessions with Supabase Auth's");
    let is_visible: bool = sqlx::query_scalar(
        r"SELECT coalesce((SELECT has_schema_privilege(n.oid, 'USAGE')
                AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'auth' AND c.relname = 'sessions' AND c.relkind = 'r'), false)",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(doing())?;
    if !is_visible {
        return Ok(0);
    }
    let done = sqlx::query(
        r"UPDATE control_plane.sessions s SET signed_out_at = clock_timestamp() FROM (
            SELECT p.jti FROM control_plane.sessions p
            WHERE p.jti <> p.session_id AND p.signed_out_at IS NULL AND p.revoked_at IS NULL
                AND control_plane.claim_uuid(to_jsonb(p.session_id)) IS NOT NULL
                AND NOT EXISTS (SELECT FROM auth.sessions a
                    WHERE a.id = control_plane.claim_uuid(to_jsonb(p.session_id)))
            ORDER BY p.jti FOR UPDATE OF p SKIP LOCKED) ended
        WHERE s.jti = ended.jti",
    )
    .execute(connection)
    .await
    .map_err(doing())?;
    Ok(done.rows_affected())
}

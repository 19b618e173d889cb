//! Who may call what, and who may enter the control plane's database.

use sqlx::postgres::PgConnection;

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;

/// Lets those who need it call our functions. Every time: Supabase's roles, or a backend's, may have been
/// created after the schema.
///
/// # Errors
/// When the server refuses.
pub(crate) async fn grant_to_callers(
    connection: &mut PgConnection,
) -> Result<(), ControlPlaneError> {
    sqlx::raw_sql("SELECT control_plane.grant_to_callers()")
        .execute(connection)
        .await
        .map_err(PgError::doing("grant the functions"))?;
    Ok(())
}

/// Lets PUBLIC, and with it the tenants' logins of the same server, into the database no longer,
/// when it is ours alone: we own it, it is not one that every server has, and nothing in it is
/// another's. Who was granted the schema keeps the way to it. Others' databases, a hosted project's
/// `postgres` among them, stay as they are; `health` says so.
///
/// # Errors
/// When the server refuses.
pub(crate) async fn close_to_public(
    connection: &mut PgConnection,
) -> Result<(), ControlPlaneError> {
    sqlx::raw_sql(
        r"DO $$
        DECLARE
            ours oid := (SELECT oid FROM pg_database WHERE datname = current_database());
            caller name;
        BEGIN
            IF current_database() IN ('postgres', 'template1')
                OR NOT (has_database_privilege('public', ours, 'CONNECT')
                    OR has_database_privilege('public', ours, 'TEMPORARY'))
                OR NOT pg_has_role(current_user,
                    (SELECT datdba FROM pg_database WHERE oid = ours), 'USAGE')
                OR EXISTS (
                    SELECT FROM pg_namespace n WHERE n.nspname NOT IN
                            ('control_plane', 'public', 'information_schema')
                        AND n.nspname NOT LIKE 'pg\_%')
                OR EXISTS (
                    SELECT FROM pg_class c
                    WHERE c.relnamespace = to_regnamespace('public') AND NOT EXISTS (
                        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                            AND d.objid = c.oid AND d.deptype = 'e'))
            THEN
                RETURN;
            END IF;
            FOR caller IN
                SELECT DISTINCT r.rolname FROM pg_namespace n, aclexplode(n.nspacl) g
                JOIN pg_roles r ON r.oid = g.grantee WHERE n.nspname = 'control_plane'
            LOOP
                EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), caller);
            END LOOP;
            EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC',
                current_database());
        END $$",
    )
    .execute(connection)
    .await
    .map_err(PgError::doing("close the control plane's database to PUBLIC"))?;
    Ok(())
}

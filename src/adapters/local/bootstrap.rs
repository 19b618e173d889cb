//! The operator's role and the control plane's database, as `local up` leaves them.
//!
//! The role has the shape that hosted Supabase gives its customers, so what works here works there.
//! Looks first and does only what is missing, so it may be interrupted anywhere and run again.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::LocalError;
use crate::adapters::postgres::{PgError, row, scram_matches, scram_verifier};

/// The role tenantctl logs in as.
pub(super) const OPERATOR: &str = "tenantctl";
/// The database that holds the control plane.
pub(super) const DATABASE: &str = "control_plane";

const LOOK: &str = r"
    SELECT operator.rolpassword AS verifier,
        coalesce(operator.rolcanlogin AND NOT operator.rolsuper AND operator.rolcreatedb
            AND operator.rolcreaterole AND operator.rolreplication AND operator.rolbypassrls, false)
            AS has_the_shape,
        (SELECT count(DISTINCT granted.oid) = 3 FROM pg_auth_members membership
            JOIN pg_authid granted ON granted.oid = membership.roleid
            WHERE membership.member = operator.oid AND granted.rolname IN
                ('pg_signal_backend', 'pg_monitor', 'pg_read_all_data')) AS is_member,
        (SELECT datdba IS NOT DISTINCT FROM operator.oid FROM pg_database
            WHERE datname = 'control_plane') AS owns_database,
        NOT EXISTS (
            SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
            WHERE d.datname IN ('postgres', 'template1', 'control_plane')
                AND g.grantee = 0 AND g.privilege_type = 'CONNECT') AS is_closed_to_the_public
    FROM (SELECT) AS always LEFT JOIN pg_authid operator ON operator.rolname = 'tenantctl'";

const SHAPE: &str = "LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS";

row! {
    /// What exists of the role and the database on the server.
    struct Existing {
        verifier: Option<String>,
        has_the_shape: bool,
        is_member: bool,
        /// Whether the database is the operator's; `None` where there is none.
        owns_database: Option<bool>,
        is_closed_to_the_public: bool,
    }
}

/// Makes what is missing; returns whether anything was.
///
/// `before` is called once, when there is something to do.
///
/// # Errors
/// [`LocalError::Postgres`] naming the step.
pub(super) async fn bootstrap(
    session: &mut PgConnection,
    password: &str,
    before: impl FnOnce(),
) -> Result<bool, LocalError> {
    let found = look(session).await?;
    let knows_password =
        found.verifier.as_deref().is_some_and(|verifier| scram_matches(password, verifier));
    let has_role = knows_password && found.has_the_shape && found.is_member;
    if has_role && found.owns_database == Some(true) && found.is_closed_to_the_public {
        return Ok(false);
    }
    before();
    if !has_role {
        let verifier = scram_verifier(password).map_err(LocalError::Random)?;
        // The verifier is base64 and punctuation, none of it a quote.
        run(
            session,
            "make the operator's role",
            format!(
                "BEGIN;
                 DO $$ BEGIN
                     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OPERATOR}') THEN CREATE ROLE {OPERATOR}; END IF;
                 END $$;
                 ALTER ROLE {OPERATOR} WITH {SHAPE} PASSWORD '{verifier}' VALID UNTIL 'infinity';
                 GRANT pg_signal_backend, pg_monitor, pg_read_all_data TO {OPERATOR};
                 COMMIT"
            ),
        )
        .await?;
    }
    match found.owns_database {
        None => {
            run(
                session,
                "make the control plane's database",
                format!("CREATE DATABASE {DATABASE} OWNER {OPERATOR}"),
            )
            .await?;
        }
        Some(false) => {
            run(
                session,
                "give the control plane's database to the operator",
                format!("ALTER DATABASE {DATABASE} OWNER TO {OPERATOR}"),
            )
            .await?;
        }
        Some(true) => {}
    }
    // The grant comes with the revoke in one step: closed to the public implies open to the
    // operator.
    run(
        session,
        "close the databases to the public",
        format!(
            "BEGIN;
             REVOKE CONNECT ON DATABASE postgres, template1, {DATABASE} FROM PUBLIC;
             GRANT CONNECT ON DATABASE postgres TO {OPERATOR};
             COMMIT"
        ),
    )
    .await?;
    Ok(true)
}

async fn look(session: &mut PgConnection) -> Result<Existing, LocalError> {
    let doing = "look for the operator's role and the control plane's database";
    let existing = sqlx::query_as(LOOK).fetch_one(session).await.map_err(PgError::doing(doing))?;
    Ok(existing)
}

/// Runs statements that are made of our own constants and a verifier.
async fn run(
    session: &mut PgConnection,
    step: &'static str,
    sql: String,
) -> Result<(), LocalError> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(session).await;
    done.map(drop).map_err(|error| PgError::doing(step)(error).into())
}

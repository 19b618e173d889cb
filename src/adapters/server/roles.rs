//! The roles of tenants' databases: the owner, the group that holds the application's grants, and
//! each tenant's login.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::time::{Duration, Instant};

use super::contradiction::Contradiction;
use super::error::ServerError;
use super::home::Home;
use super::operator::Server;
use super::pending::{self, Pending};
use super::role_names::{APP, OWNER};
use super::slots::Slots;
use super::sql::run;
use super::stamp::Stamp;
use crate::adapters::postgres::{PgError, identifier, literal, scram_verifier};
use crate::model::SecretText;

impl Server {
    /// Creates the two roles that every tenant's database relies on, where they are missing.
    ///
    /// # Errors
    /// When the operator may not create roles.
    pub(crate) async fn prepare(
        &self,
        connection: &mut PgConnection,
        deadline: Instant,
    ) -> Result<(), ServerError> {
        let statement = format!(
            r"DO $$
            DECLARE role text;
            BEGIN
                FOREACH role IN ARRAY ARRAY['{OWNER}', '{APP}'] LOOP
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE
                            NOREPLICATION NOBYPASSRLS', role);
                    END IF;
                END LOOP;
            END $$;
            GRANT {OWNER} TO CURRENT_USER;
            GRANT {APP} TO CURRENT_USER"
        );
        // Another control plane on this cluster may create them at the same moment, and advisory
        // locks reach no further than one database: who comes second looks again.
        loop {
            if is_prepared(connection).await? {
                return Ok(());
            }
            let doing = "create the roles tenantctl_owner and tenantctl_app";
            match run(connection, statement.clone(), doing).await {
                Ok(()) => return Ok(()),
                // The other one created them first (23505, 42710), or two GRANTs of one role met
                // ("tuple concurrently updated", XX000).
                Err(ServerError::Postgres(error))
                    if (error.is("23505") || error.is("42710") || error.is("XX000"))
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Home {
    /// Gives the tenant its login with this password, lets no other role connect, and opens the
    /// database, as soon as the change is committed. Running it again replaces the password.
    ///
    /// # Errors
    /// When a role of that name is not the tenant's, or the server refuses.
    pub(crate) async fn secure<'c>(
        &self,
        connection: &'c mut PgConnection,
        password: &SecretText,
        was_intended: bool,
    ) -> Result<Pending<'c>, ServerError> {
        // The password reaches the server as a SCRAM verifier only, so no log of it holds one.
        let verifier = scram_verifier(password.expose()).map_err(|_| ServerError::NoRandomness)?;
        let statement = match self.look_for_login(connection).await? {
            None => "CREATE",
            Some(Stamp::None) if was_intended => "ALTER",
            Some(stamp) => match stamp.contradiction(&self.identity) {
                None => "ALTER",
                Some(contradiction) => return Err(self.login_contradicted(contradiction)),
            },
        };
        if self.server.is_project() {
            let comment = literal(&literal(&self.identity.comment()));
            let text = on_this_database("COMMENT ON DATABASE %I IS %s", &comment);
            match run(connection, text, "stamp the database").await {
                // Only the database's owner may comment on it; the identity inside says the same.
                Err(ServerError::Postgres(error)) if error.is("42501") => {}
                other => other?,
            }
        }
        let slots = self.slots(connection).await?;
        let role = identifier(self.name.login());
        // NOINHERIT would keep the group's grants away; everything a login could misuse is off.
        // NOSUPERUSER and NOBYPASSRLS are left to the defaults: hosted, naming them in ALTER ROLE
        // fails with 42501 (supabase/agent-skills#282, read 2026-11).
        let text = format!(
            "{statement} ROLE {role} LOGIN NOCREATEDB NOCREATEROLE INHERIT \
             CONNECTION LIMIT {} PASSWORD {}; \
             COMMENT ON ROLE {role} IS {}; \
             GRANT {APP} TO {role}; {}",
            slots.login,
            literal(&verifier),
            literal(&self.identity.comment()),
            self.opening(slots),
        );
        pending::begin(connection).await?;
        self.run_past_login(connection, text, "give the tenant its login").await?;
        Ok(Pending::made(connection))
    }

    /// Returns what lets the login in, and on a cluster no other role.
    fn opening(&self, slots: Slots) -> String {
        let (database, role) = (identifier(self.name.as_str()), identifier(self.name.login()));
        if self.server.is_project() {
            // Supabase's own services connect to it, and its schema `public` is not ours.
            let role = literal(&role);
            return format!(
                "{}; {}; GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}",
                on_this_database("GRANT CONNECT ON DATABASE %I TO %s", &role),
                on_this_database("GRANT CREATE, CONNECT ON DATABASE %I TO %s", &literal(OWNER)),
            );
        }
        format!(
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC; \
             GRANT CONNECT ON DATABASE {database} TO {role}; \
             ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT {}",
            slots.database
        )
    }

    /// Gives the tenant's login another password.
    ///
    /// # Errors
    /// When the role is not the tenant's, or the server refuses.
    pub(crate) async fn set_password(
        &self,
        connection: &mut PgConnection,
        password: &SecretText,
    ) -> Result<(), ServerError> {
        let verifier = scram_verifier(password.expose()).map_err(|_| ServerError::NoRandomness)?;
        let contradiction = match self.look_for_login(connection).await? {
            None => Some(Contradiction::NoLogin),
            Some(stamp) => stamp.contradiction(&self.identity),
        };
        if let Some(contradiction) = contradiction {
            return Err(self.login_contradicted(contradiction));
        }
        let login = identifier(self.name.login());
        let text = format!("ALTER ROLE {login} PASSWORD {}", literal(&verifier));
        self.change_login(connection, &text, "change the login's password", false).await
    }

    /// Drops the tenant's login and what it has in other databases; returns whether it existed.
    ///
    /// # Errors
    /// When the role is not the tenant's, or the server refuses.
    pub(crate) async fn drop_login(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, ServerError> {
        let Some(stamp) = self.look_for_login(connection).await? else { return Ok(false) };
        if let Some(contradiction) = stamp.contradiction(&self.identity) {
            return Err(self.login_contradicted(contradiction));
        }
        self.drop_belongings(connection).await?;
        let text = format!("DROP ROLE {}", identifier(self.name.login()));
        self.run_past_login(connection, text, "drop the tenant's login").await?;
        match self.look_for_login(connection).await? {
            None => Ok(true),
            Some(_) => Err(self.login_contradicted(Contradiction::StillThere)),
        }
    }

    pub(super) async fn look_for_login(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<Stamp>, ServerError> {
        let comment: Option<Option<String>> = sqlx::query_scalar(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname::text = $1",
        )
        .bind(self.name.login())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look for the tenant's login"))?;
        Ok(comment.map(|comment| Stamp::read(comment.as_deref())))
    }
}

/// Returns a statement about the database it runs in, whatever a pooler calls it: the template
/// names it with `%I`, and the argument, a literal, with `%s`.
fn on_this_database(template: &str, argument: &str) -> String {
    let template = literal(template);
    format!(
        "DO $here$ BEGIN EXECUTE format({template}, current_database(), {argument}); END $here$"
    )
}

async fn is_prepared(connection: &mut PgConnection) -> Result<bool, ServerError> {
    // From 16 on, membership alone no longer says that one may SET ROLE.
    let is_prepared = sqlx::query_scalar(AssertSqlSafe(format!(
        r"SELECT count(*) = 2 FROM pg_roles r WHERE rolname IN ('{OWNER}', '{APP}')
            AND CASE WHEN current_setting('server_version_num')::int >= 160000
              THEN pg_has_role(current_user, r.oid, 'USAGE')
                AND (SELECT rolsuper OR EXISTS (
                    SELECT FROM pg_auth_members m WHERE m.roleid = r.oid AND m.member = u.oid
                      AND (to_jsonb(m) ->> 'set_option')::boolean)
                  FROM pg_roles u WHERE u.rolname = current_user)
              ELSE pg_has_role(current_user, r.oid, 'MEMBER') END"
    )))
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for the roles tenantctl_owner and tenantctl_app"))?;
    Ok(is_prepared)
}

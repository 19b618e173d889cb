//! Who may enter a tenant's database: its login, and whether the door is open.
//!
//! Everything about access to one database is changed in one transaction, so no crash leaves it
//! half open.

use sqlx::postgres::PgConnection;

use super::operator::{APP, OWNER, run, stranger};
use super::{Identity, Server, ServerError, Stamp};
use crate::adapters::postgres::{PgError, identifier, literal, scram_verifier};
use crate::model::{DatabaseName, SecretText};

type Result<T> = std::result::Result<T, ServerError>;

/// Sessions one tenant's application may have at the same time.
const CONNECTION_LIMIT: u32 = 50;

/// Returns a statement about the database it runs in, whatever that is called behind a pooler: the
/// template names it with `%I`, and the argument, a literal, with `%s`.
fn here(template: &str, argument: &str) -> String {
    let template = literal(template);
    format!(
        "DO $here$ BEGIN EXECUTE format({template}, current_database(), {argument}); END $here$"
    )
}

/// Whether a database lets its application in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nobody enters, not even the operator.
    Closed,
    /// The operator enters, the application does not.
    OperatorOnly,
    /// The application enters.
    Open,
}

/// How far a door was open, to be given back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DoorFlags {
    /// Whether the application's login may log in; nothing when there is none.
    pub can_login: Option<bool>,
    /// Whether the database lets anybody in.
    pub is_open: bool,
}

impl DoorFlags {
    /// Returns the door these flags mean.
    pub fn door(self) -> Door {
        match (self.is_open, self.can_login) {
            (false, _) => Door::Closed,
            (true, Some(true)) => Door::Open,
            (true, _) => Door::OperatorOnly,
        }
    }
}

impl Server {
    /// Returns how far the door is open now.
    ///
    /// # Errors
    /// When there is no such database or it is not the tenant's.
    pub async fn door_flags(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
    ) -> Result<DoorFlags> {
        let found = self.look(connection, name).await?;
        let found = found.ok_or_else(|| ServerError::NoDatabase(name.to_string()))?;
        // A project's database may have refused the comment; its login carries the stamp as well.
        if !self.is_project()
            && let Some(finding) = found.stamp.contradiction(identity)
        {
            return Err(stranger("database", name.as_str(), finding));
        }
        let role: Option<(bool,)> =
            sqlx::query_as("SELECT rolcanlogin FROM pg_roles WHERE rolname::text = $1")
                .bind(name.login())
                .fetch_optional(connection)
                .await
                .map_err(PgError::doing("look at the tenant's login"))?;
        Ok(DoorFlags { can_login: role.map(|(can_login,)| can_login), is_open: found.is_open })
    }

    /// Gives the tenant its login with this password, lets nobody else connect, and opens the
    /// database.
    ///
    /// The password reaches the server as a SCRAM verifier only. Running it again replaces the
    /// password.
    ///
    /// # Errors
    /// When a role of that name is not the tenant's, or the server refuses.
    pub async fn secure(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
        password: &SecretText,
        was_intended: bool,
    ) -> Result<()> {
        let verifier = scram_verifier(password.expose()).map_err(|_| ServerError::NoRandomness)?;
        let role = self.look_for_role(connection, name).await?;
        let statement = match role {
            None => "CREATE",
            Some(Stamp::None) if was_intended => "ALTER",
            Some(stamp) => match stamp.contradiction(identity) {
                None => "ALTER",
                Some(finding) => return Err(stranger("role", name.login(), finding)),
            },
        };
        let role = identifier(name.login());
        // NOINHERIT would keep the group's grants away; everything a login could misuse is off.
        let text = format!(
            "{statement} ROLE {role} LOGIN NOCREATEDB NOCREATEROLE INHERIT \
             CONNECTION LIMIT {CONNECTION_LIMIT} PASSWORD {}; \
             COMMENT ON ROLE {role} IS {}; \
             GRANT {APP} TO {role}; {}",
            literal(&verifier),
            literal(&identity.comment()),
            self.opening(name),
        );
        run(connection, text, "give the tenant its login").await?;
        if self.is_project() {
            let comment = literal(&literal(&identity.comment()));
            let text = here("COMMENT ON DATABASE %I IS %s", &comment);
            match run(connection, text, "stamp the database").await {
                // Whoever owns it may comment on it; the identity inside says the same.
                Err(ServerError::Postgres(error)) if error.is("42501") => {}
                other => return other,
            }
        }
        Ok(())
    }

    /// Returns what lets the login in, and in a database that is all ours nobody else.
    fn opening(&self, name: &DatabaseName) -> String {
        let (database, role) = (identifier(name.as_str()), identifier(name.login()));
        if self.is_project() {
            // Supabase's own services connect to it, and its schema `public` is not ours.
            let role = literal(&role);
            return format!(
                "{}; {}; GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}",
                here("GRANT CONNECT ON DATABASE %I TO %s", &role),
                here("GRANT CREATE, CONNECT ON DATABASE %I TO %s", &literal(OWNER)),
            );
        }
        format!(
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC; \
             GRANT CONNECT ON DATABASE {database} TO {role}; \
             ALTER DATABASE {database} ALLOW_CONNECTIONS true"
        )
    }

    /// Sets how far the door is open, in one transaction.
    ///
    /// # Errors
    /// When the database or the role is not the tenant's, or the server refuses.
    pub async fn set_door(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
        door: Door,
    ) -> Result<()> {
        let found = self.look(connection, name).await?;
        let found = found.ok_or_else(|| ServerError::NoDatabase(name.to_string()))?;
        let mut text = Vec::new();
        if !self.is_project() {
            if let Some(finding) = found.stamp.contradiction(identity) {
                return Err(stranger("database", name.as_str(), finding));
            }
            let (quoted, opens) = (identifier(name.as_str()), door != Door::Closed);
            text.push(format!("ALTER DATABASE {quoted} ALLOW_CONNECTIONS {opens}"));
        }
        match self.look_for_role(connection, name).await? {
            // A create that was given up before its login was made.
            None => {}
            Some(stamp) => {
                if let Some(finding) = stamp.contradiction(identity) {
                    return Err(stranger("role", name.login(), finding));
                }
                let login = if door == Door::Open { "LOGIN" } else { "NOLOGIN" };
                text.push(format!("ALTER ROLE {} {login}", identifier(name.login())));
            }
        }
        // Two commands that change one login in the same moment: the second meets "tuple concurrently
        // updated" and finds its turn a little later.
        let mut tries = 0;
        loop {
            match run(connection, text.join("; "), "change who may enter the database").await {
                Err(ServerError::Postgres(error)) if error.is("XX000") && tries < 20 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
                }
                done => return done,
            }
        }
    }

    /// Gives the tenant's login another password.
    ///
    /// # Errors
    /// When the role is not the tenant's, or the server refuses.
    pub async fn set_password(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
        password: &SecretText,
    ) -> Result<()> {
        let verifier = scram_verifier(password.expose()).map_err(|_| ServerError::NoRandomness)?;
        let stamp = self.look_for_role(connection, name).await?;
        let finding = match stamp {
            None => Some("it is not there".to_owned()),
            Some(stamp) => stamp.contradiction(identity),
        };
        if let Some(finding) = finding {
            return Err(stranger("role", name.login(), finding));
        }
        let text =
            format!("ALTER ROLE {} PASSWORD {}", identifier(name.login()), literal(&verifier));
        run(connection, text, "change the login's password").await
    }

    /// Drops the tenant's login; returns whether there was one.
    ///
    /// # Errors
    /// When the role is not the tenant's, or the server refuses.
    pub async fn drop_role(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
    ) -> Result<bool> {
        let Some(stamp) = self.look_for_role(connection, name).await? else { return Ok(false) };
        if let Some(finding) = stamp.contradiction(identity) {
            return Err(stranger("role", name.login(), finding));
        }
        let text = format!("DROP ROLE {}", identifier(name.login()));
        run(connection, text, "drop the tenant's login").await?;
        match self.look_for_role(connection, name).await? {
            None => Ok(true),
            Some(_) => Err(stranger("role", name.login(), "it is still there".to_owned())),
        }
    }

    async fn look_for_role(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
    ) -> Result<Option<Stamp>> {
        let row: Option<(Option<String>,)> = sqlx::query_as(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname::text = $1",
        )
        .bind(name.login())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look for the tenant's login"))?;
        Ok(row.map(|(comment,)| Stamp::read(comment.as_deref())))
    }
}

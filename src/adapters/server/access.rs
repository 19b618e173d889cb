//! Who may connect to a tenant's database: `ALLOW_CONNECTIONS` and the login's `LOGIN`.
//!
//! Both are changed in one transaction, so no crash leaves the database half open.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::sql::run;
use crate::adapters::postgres::{PgError, identifier};

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No role, not even the operator.
    Closed,
    /// The operator, not the application.
    OperatorOnly,
    /// The application too.
    Open,
}

/// The flags behind an `Access`, kept so that they can be given back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AccessFlags {
    /// The login's `LOGIN`; nothing while the login does not exist.
    pub can_login: Option<bool>,
    /// The database's `ALLOW_CONNECTIONS`.
    pub allows_connections: bool,
}

impl AccessFlags {
    /// Returns the access these flags mean.
    pub(crate) fn access(self) -> Access {
        match (self.allows_connections, self.can_login) {
            (false, _) => Access::Closed,
            (true, Some(true)) => Access::Open,
            (true, _) => Access::OperatorOnly,
        }
    }
}

impl Home {
    /// Returns the flags as they are now.
    ///
    /// # Errors
    /// When the database does not exist or is not the tenant's.
    pub(crate) async fn access_flags(
        &self,
        connection: &mut PgConnection,
    ) -> Result<AccessFlags, ServerError> {
        let found = self.look(connection).await?.ok_or_else(|| self.missing())?;
        // A project's database may have refused the comment; its login carries the stamp as well.
        if !self.server.is_project()
            && let Some(contradiction) = self.contradiction(&found)
        {
            return Err(self.contradicted(contradiction));
        }
        let can_login =
            sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname::text = $1")
                .bind(self.name.login())
                .fetch_optional(connection)
                .await
                .map_err(PgError::doing("look at the tenant's login"))?;
        Ok(AccessFlags { can_login, allows_connections: found.allows_connections })
    }

    /// Sets who may connect, in one transaction.
    ///
    /// # Errors
    /// When the database or the role is not the tenant's, or the server refuses.
    pub(crate) async fn set_access(
        &self,
        connection: &mut PgConnection,
        access: Access,
    ) -> Result<(), ServerError> {
        let found = self.look(connection).await?.ok_or_else(|| self.missing())?;
        let mut text = Vec::new();
        if !self.server.is_project() {
            if let Some(contradiction) = self.contradiction(&found) {
                return Err(self.contradicted(contradiction));
            }
            let (name, allows) = (identifier(self.name.as_str()), access != Access::Closed);
            text.push(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allows}"));
        }
        match self.look_for_login(connection).await? {
            // A create that was given up before its login was created.
            None => {}
            Some(stamp) => {
                if let Some(contradiction) = stamp.contradiction(&self.identity) {
                    return Err(self.login_contradicted(contradiction));
                }
                let login = if access == Access::Open { "LOGIN" } else { "NOLOGIN" };
                text.push(format!("ALTER ROLE {} {login}", identifier(self.name.login())));
            }
        }
        // Two commands that change one login at the same moment: the second gets "tuple
        // concurrently updated" and succeeds a little later.
        let mut tries = 0;
        loop {
            match run(connection, text.join("; "), "change who may connect to the database").await {
                Err(ServerError::Postgres(error)) if error.is("XX000") && tries < 20 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
                }
                done => return done,
            }
        }
    }
}

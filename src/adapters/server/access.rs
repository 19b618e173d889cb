//! Who may connect to a tenant's database: `ALLOW_CONNECTIONS` and the login's `LOGIN`.
//!
//! Shutting is one transaction, so no crash leaves the database half open; the login comes back only
//! by a change that is looked at before it is committed (`pending.rs`). A login that changes itself
//! at the same moment is moved out of the way (`way.rs`).

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::pending::{self, Pending};
use crate::adapters::postgres::{PgError, identifier};

/// How often a change is tried that met another of the same row.
const TRIES: u32 = 40;

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(25);

const DOING: &str = "change who may connect to the database";

/// Who may connect once the application may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No role, not even the operator.
    Closed,
    /// The operator.
    OperatorOnly,
}

/// Who may connect now, kept so that it can be given back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AccessFlags {
    /// The login's `LOGIN`; nothing while the login does not exist.
    pub can_login: Option<bool>,
    /// The database's `ALLOW_CONNECTIONS`.
    pub allows_connections: bool,
}

impl Home {
    /// Returns the flags as they are now, of a login that was shut without the control plane those from
    /// before.
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
                .fetch_optional(&mut *connection)
                .await
                .map_err(PgError::doing("look at the tenant's login"))?;
        let can_login = match self.shut_note(connection).await? {
            Some(note) => can_login.map(|_: bool| note.can_login),
            None => can_login,
        };
        Ok(AccessFlags { can_login, allows_connections: found.allows_connections })
    }

    /// Lets the application connect no more, and nobody at all where that is asked for, in one
    /// transaction.
    ///
    /// # Errors
    /// When the database or the role is not the tenant's, or the server refuses.
    pub(crate) async fn shut(
        &self,
        connection: &mut PgConnection,
        access: Access,
    ) -> Result<(), ServerError> {
        let found = self.look(connection).await?.ok_or_else(|| self.missing())?;
        let mut text = Vec::new();
        if self.has_login(connection).await? {
            text.push(format!("ALTER ROLE {} NOLOGIN", identifier(self.name.login())));
        }
        if !self.server.is_project() {
            if let Some(contradiction) = self.contradiction(&found) {
                return Err(self.contradicted(contradiction));
            }
            let (name, allows) = (identifier(self.name.as_str()), access != Access::Closed);
            text.push(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allows}"));
        }
        self.change_login(connection, &text.join("; "), DOING, true).await
    }

    /// Lets the login in, or not, as soon as the change is committed; nothing where a create was
    /// given up before it made one.
    ///
    /// # Errors
    /// When the role is not the tenant's, or the server refuses.
    pub(crate) async fn let_login<'c>(
        &self,
        connection: &'c mut PgConnection,
        can_login: bool,
    ) -> Result<Option<Pending<'c>>, ServerError> {
        if !self.has_login(connection).await? {
            return Ok(None);
        }
        let word = if can_login { "LOGIN" } else { "NOLOGIN" };
        let text = format!("ALTER ROLE {} {word}", identifier(self.name.login()));
        let mut tries = 0;
        loop {
            pending::begin(connection).await?;
            match self.run_past_login(connection, text.clone(), DOING).await {
                Ok(()) => return Ok(Some(Pending::made(connection))),
                Err(error) => {
                    pending::take_back(connection).await?;
                    self.after_a_clash(connection, error, &mut tries, !can_login).await?;
                }
            }
        }
    }

    /// Changes the login, and its database with it; `shuts` says that its sessions are to end.
    pub(super) async fn change_login(
        &self,
        connection: &mut PgConnection,
        text: &str,
        doing: &'static str,
        shuts: bool,
    ) -> Result<(), ServerError> {
        let mut tries = 0;
        loop {
            match self.run_past_login(connection, text.to_owned(), doing).await {
                Ok(()) => return Ok(()),
                Err(error) => self.after_a_clash(connection, error, &mut tries, shuts).await?,
            }
        }
    }

    /// Returns when a change is worth another try. Two that change one row at the same moment: the
    /// second gets "tuple concurrently updated" and succeeds a little later. A login that goes on
    /// changing itself is ended before the next try of what shuts it out.
    async fn after_a_clash(
        &self,
        connection: &mut PgConnection,
        error: ServerError,
        tries: &mut u32,
        shuts: bool,
    ) -> Result<(), ServerError> {
        if !matches!(&error, ServerError::Postgres(error) if error.is("XX000")) || *tries >= TRIES {
            return Err(error);
        }
        *tries += 1;
        if !shuts || self.end_found(connection).await?.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Returns whether the tenant has its login.
    async fn has_login(&self, connection: &mut PgConnection) -> Result<bool, ServerError> {
        match self.look_for_login(connection).await? {
            None => Ok(false),
            Some(stamp) => match stamp.contradiction(&self.identity) {
                Some(contradiction) => Err(self.login_contradicted(contradiction)),
                None => Ok(true),
            },
        }
    }
}

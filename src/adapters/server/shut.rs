//! What is noted at a tenant's login that was shut from the cluster alone, without the control plane.
//!
//! It stands behind the stamp in `COMMENT ON ROLE`, so it is there as long as the login is and one
//! query on the cluster shows it. Only a role that may alter the login can write it.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::sql::run;
use super::stamp::{Envelope, ShutNote};
use crate::adapters::postgres::{PgError, identifier, literal};
use crate::model::{Actor, Reason};

impl Home {
    /// Returns the note at the tenant's login, if it was shut so.
    pub(crate) async fn shut_note(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<ShutNote>, ServerError> {
        let comment: Option<Option<String>> = sqlx::query_scalar(
            r"SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname::text = $1",
        )
        .bind(self.name().login())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look at the tenant's login"))?;
        let comment = comment.flatten();
        Ok(comment.and_then(|comment| Envelope::read(&comment)).and_then(|envelope| envelope.shut))
    }

    /// Notes that the login is about to be shut; an earlier note stays, since it knows what was before.
    ///
    /// # Errors
    /// When there is no such login, or the server refuses.
    pub(crate) async fn note_shut(
        &self,
        connection: &mut PgConnection,
        can_login: bool,
        by: &Actor,
        reason: &Reason,
    ) -> Result<(), ServerError> {
        if self.shut_note(connection).await?.is_some() {
            return Ok(());
        }
        let since = sqlx::query_scalar("SELECT clock_timestamp()")
            .fetch_one(&mut *connection)
            .await
            .map_err(PgError::doing("ask for the time"))?;
        let (by, reason) = (by.to_string(), reason.as_str().to_owned());
        let note = ShutNote { since, by, reason, can_login };
        self.write_note(connection, Some(&note)).await
    }

    /// Takes the note away, if there is one, and returns it.
    pub(crate) async fn take_shut_note(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<ShutNote>, ServerError> {
        let note = self.shut_note(connection).await?;
        if note.is_some() {
            self.write_note(connection, None).await?;
        }
        Ok(note)
    }

    async fn write_note(
        &self,
        connection: &mut PgConnection,
        note: Option<&ShutNote>,
    ) -> Result<(), ServerError> {
        let comment = Envelope::comment(self.identity(), note);
        let login = identifier(self.name().login());
        let text = format!("COMMENT ON ROLE {login} IS {}", literal(&comment));
        run(connection, text, "note at the login that it is shut").await
    }
}

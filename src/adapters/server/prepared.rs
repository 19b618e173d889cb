//! Prepared transactions of a tenant's login: they outlive the session that made them, keep their
//! locks, and only the login itself or a superuser may end them.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::sql::run;
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose, identifier, literal, row};
use crate::model::Act;

type Result<T> = std::result::Result<T, ServerError>;

row! {
    /// A transaction that was prepared to be committed by a later session.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Prepared {
        pub name: String,
        /// The role that may end it, besides a superuser.
        pub owner: String,
        /// Where it was prepared, and only there may it be ended.
        pub database: String,
        /// Whether that is the tenant's own database, which a pooler may know by another name.
        pub is_here: bool,
    }
}

impl Home {
    /// Returns what the tenant's login prepared, in whatever database, and on a cluster also what
    /// others prepared in the tenant's.
    pub(super) async fn prepared(&self, connection: &mut PgConnection) -> Result<Vec<Prepared>> {
        let prepared = sqlx::query_as(
            r"SELECT gid AS name, owner::text, database::text,
                database::text = coalesce($1, current_database()::text) AS is_here
            FROM pg_prepared_xacts
            WHERE owner::text = $2 OR database::text = $1
            ORDER BY prepared, gid",
        )
        .bind(self.name_there())
        .bind(self.name.login())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look for prepared transactions"))?;
        Ok(prepared)
    }

    /// Rolls back those that the tenant's login prepared. What stays is looked for afterwards: another
    /// session may have ended it, its database may let nobody in, or the login may not be ours to
    /// become.
    pub(super) async fn roll_back(&self, prepared: &[Prepared]) -> Result<()> {
        let own = || prepared.iter().filter(|one| one.owner == self.name.login());
        let places: BTreeSet<_> = own().map(|one| (&one.database, one.is_here)).collect();
        for (database, is_here) in places {
            let name = if is_here { self.name.as_str() } else { database };
            let endpoint = self.server.admin.with_database(name);
            let mut inside =
                match postgres::connect(&endpoint, Purpose::query(Act::Lockdown.word())).await {
                    Ok(inside) => inside,
                    // Closed, gone, or not ours to enter.
                    Err(error) if error.is("55000") || error.is("3D000") || error.is("42501") => {
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
            self.server.act_as_operator(&mut inside).await?;
            if self.become_login(&mut inside).await.is_ok() {
                for one in own().filter(|one| one.database == *database) {
                    let statement = format!("ROLLBACK PREPARED {}", literal(&one.name));
                    drop(sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut inside).await);
                }
            }
            Endpoint::close(inside).await;
        }
        Ok(())
    }

    /// Becomes the login for the rest of the session: only it and a superuser may end what it
    /// prepared (`src/backend/access/transam/twophase.c`, `LockGXact`), and ROLLBACK PREPARED cannot
    /// stand in a transaction.
    ///
    /// Whoever SETs ROLE has to be a member just then. Membership is given and taken in one
    /// transaction, so nothing of it is ever committed: SET LOCAL stands above SET until the commit,
    /// and what was SET holds afterwards, without being checked again (the manual's page on SET;
    /// tried on 15.18 and 17.10, 2026-11).
    async fn become_login(&self, inside: &mut PgConnection) -> Result<()> {
        let login = identifier(self.name.login());
        let operator = self.server.operator_role();
        let statement = format!(
            "BEGIN; GRANT {login} TO CURRENT_USER; SET SESSION ROLE {login}; \
             SET LOCAL ROLE {operator}; REVOKE {login} FROM CURRENT_USER; COMMIT"
        );
        run(inside, statement, "act as the tenant's login").await
    }
}

//! What a tenant's login owns or was granted in databases that are not its own.
//!
//! Where PUBLIC may connect, a login can leave large objects and default privileges behind, and
//! Postgres drops no role that anything depends on (SQLSTATE 2BP01).

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::sql::run;
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose, identifier, row};
use crate::model::{Act, Classified, escape_controls};

/// How many objects of one database are named.
const NAMED: usize = 3;

row! {
    /// A database in which something depends on a login; of what belongs to the whole server, such
    /// as a grant on a database, the one we are connected to.
    struct Place {
        database: String,
        is_open: bool,
        objects: i64,
    }
}

impl Home {
    /// Drops what the login owns and takes away what it was granted, in every database of the server.
    ///
    /// # Errors
    /// When something is left: in a database that lets nobody in, or that others depend on.
    pub(super) async fn drop_belongings(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), ServerError> {
        let mut places = Vec::new();
        for place in self.belongings(connection).await? {
            let failed =
                if place.is_open { self.drop_in(&place.database).await.err() } else { None };
            places.push((place, failed));
        }
        let mut left = Vec::new();
        for place in self.belongings(connection).await? {
            let before = places.iter_mut().find(|(before, _)| before.database == place.database);
            let failed = before.and_then(|(_, failed)| failed.take());
            left.push(self.describe(&place, failed).await);
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(ServerError::StillOwns { login: self.name.login().to_owned(), left })
    }

    async fn belongings(&self, connection: &mut PgConnection) -> Result<Vec<Place>, ServerError> {
        let found = sqlx::query_as(
            r"SELECT coalesce(d.datname, current_database())::text AS database,
                bool_and(coalesce(d.datallowconn, true)) AS is_open, count(*) AS objects
            FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
            WHERE s.refclassid = 'pg_authid'::regclass
                AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname::text = $1)
            GROUP BY 1 ORDER BY 1",
        )
        .bind(self.name.login())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look what the tenant's login owns"))?;
        Ok(found)
    }

    async fn drop_in(&self, database: &str) -> Result<(), ServerError> {
        let mut inside = self.enter_other(database).await?;
        let login = identifier(self.name.login());
        // Only who has the login's privileges may. All in one transaction, so that no crash leaves
        // us a member; without CASCADE, so that nothing of others goes.
        let text = format!(
            "GRANT {login} TO CURRENT_USER; DROP OWNED BY {login}; REVOKE {login} FROM CURRENT_USER"
        );
        let done = run(&mut inside, text, "drop what the tenant's login owns").await;
        Endpoint::close(inside).await;
        done
    }

    async fn enter_other(&self, database: &str) -> Result<PgConnection, ServerError> {
        let endpoint = self.server.admin.with_database(database);
        let purpose = Purpose::query(Act::Purge.word());
        let mut inside = postgres::connect(&endpoint, purpose).await?;
        self.server.act_as_operator(&mut inside).await?;
        Ok(inside)
    }

    /// Returns in words what is left in a database, and why.
    async fn describe(&self, place: &Place, failed: Option<ServerError>) -> String {
        let database = escape_controls(&place.database);
        let mut text = format!("{} in database `{database}`", objects(place.objects));
        if !place.is_open {
            text.push_str(", which allows no connections");
        } else if let Ok(names) = self.names_in(&place.database).await
            && !names.is_empty()
        {
            text = format!("{text} ({})", names.join(", "));
        }
        if let Some(failed) = failed {
            text = format!("{text}: {}", failed.chain().join(": "));
        }
        text
    }

    async fn names_in(&self, database: &str) -> Result<Vec<String>, ServerError> {
        let mut inside = self.enter_other(database).await?;
        let names: Vec<String> = sqlx::query_scalar(
            r"SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
            WHERE refclassid = 'pg_authid'::regclass
                AND refobjid = (SELECT oid FROM pg_roles WHERE rolname::text = $1)
                AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            ORDER BY 1 LIMIT $2",
        )
        .bind(self.name.login())
        .bind(i64::try_from(NAMED).unwrap_or(i64::MAX))
        .fetch_all(&mut inside)
        .await
        .map_err(PgError::doing("look what the tenant's login owns"))?;
        Endpoint::close(inside).await;
        Ok(names.iter().map(|name| escape_controls(name)).collect())
    }
}

fn objects(count: i64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

//! Creating a tenant's database, or adopting one that exists.
//!
//! `CREATE DATABASE` cannot run in a transaction and outlives a client that is killed, so each
//! act looks first, under a lock held by the very session that acts.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::error::ServerError;
use super::home::{FoundDatabase, Home};
use super::role_names::OWNER;
use super::sql::run;
use super::stamp::Stamp;
use super::template::TemplateName;
use crate::adapters::postgres::{identifier, literal};

/// How a tenant came to have its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// Created now; its oid.
    Created(u32),
    /// Created now, as a copy of a template; its oid.
    Copied(u32),
    /// It existed, and it is the tenant's; its oid.
    AlreadyThere(u32),
}

/// What is answered to a copy that cannot be made of a template: it does not exist, is in use, is not
/// ours to copy, or is asked for in words that the server does not know.
const NOT_COPIED: [&str; 6] = ["3D000", "55006", "42501", "42601", "22023", "0A000"];

impl Placed {
    /// Returns the database's oid.
    pub(crate) fn oid(self) -> u32 {
        match self {
            Self::Created(oid) | Self::Copied(oid) | Self::AlreadyThere(oid) => oid,
        }
    }
}

impl Home {
    /// Creates the database, closed to connections and stamped, unless it exists: as a copy of a
    /// template where one is named and the server lets us, else empty.
    ///
    /// `was_intended` says that an earlier attempt recorded its intent: only then an unstamped,
    /// closed database of ours may be what that attempt left behind. The session holds the home's
    /// lock: when a killed client left a `CREATE DATABASE` running, taking it waited until the
    /// server was done with it, and what is seen now is the true outcome.
    ///
    /// # Errors
    /// When a database of that name is not the tenant's, or the server refuses.
    pub(crate) async fn create(
        &self,
        connection: &mut PgConnection,
        was_intended: bool,
        mut template: Option<&TemplateName>,
        deadline: Instant,
    ) -> Result<Placed, ServerError> {
        self.server.prepare(connection, deadline).await?;
        let name = identifier(self.name.as_str());
        let mut may_claim = was_intended;
        for _ in 0..4 {
            match self.look(connection).await? {
                Some(found) if found.is_half_dropped => {
                    if let Some(contradiction) = self.contradiction(&found) {
                        return Err(self.contradicted(contradiction));
                    }
                    // Such a database can only be dropped: no session is let in, and CREATE
                    // DATABASE refuses the name (PostgreSQL 15.4 release notes).
                    let statement = format!("DROP DATABASE {name}");
                    run(connection, statement, "finish dropping the half-dropped database").await?;
                }
                Some(found) => {
                    self.claim(connection, &found, may_claim).await?;
                    return Ok(Placed::AlreadyThere(found.oid));
                }
                None => {
                    // Else from template0: template1 may have sessions (55006), and may hold what an
                    // administrator put there. Copying by files would force a checkpoint on everybody.
                    let from = template.map_or("template0 ENCODING 'UTF8'".to_owned(), |it| {
                        format!("{} STRATEGY WAL_LOG", identifier(it.as_str()))
                    });
                    let statement = format!(
                        "CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {from} ALLOW_CONNECTIONS false"
                    );
                    match run(connection, statement, "create the database").await {
                        Ok(()) => {
                            let found = self.look(connection).await?;
                            let found = found.ok_or_else(|| self.missing())?;
                            self.claim(connection, &found, true).await?;
                            return Ok(match template {
                                Some(_) => Placed::Copied(found.oid),
                                None => Placed::Created(found.oid),
                            });
                        }
                        // Another CREATE won while ours waited for it: look again.
                        Err(ServerError::Postgres(error))
                            if error.is("42P04") || error.is("23505") =>
                        {
                            may_claim = was_intended;
                        }
                        // It was dropped meanwhile, somebody is connected to it, or the server is too
                        // old for the strategy: the migrations are applied one by one.
                        Err(ServerError::Postgres(error))
                            if template.is_some() && NOT_COPIED.iter().any(|it| error.is(it)) =>
                        {
                            tracing::debug!("the template is not used: {error}");
                            template = None;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Err(self.missing())
    }

    /// Adopts a database that we did not create: owned by us from now on, and stamped; nothing when
    /// it does not exist.
    ///
    /// # Errors
    /// When it is stamped as another tenant's or has another comment, or the operator may not give
    /// it to us.
    pub(crate) async fn adopt(
        &self,
        connection: &mut PgConnection,
        deadline: Instant,
    ) -> Result<Option<Placed>, ServerError> {
        self.server.prepare(connection, deadline).await?;
        let Some(found) = self.look(connection).await? else { return Ok(None) };
        match self.contradiction(&found) {
            Some(contradiction) if found.stamp != Stamp::None => {
                return Err(self.contradicted(contradiction));
            }
            _ => {}
        }
        let name = identifier(self.name.as_str());
        let text = format!("ALTER DATABASE {name} OWNER TO {OWNER}; {}", self.stamping());
        run(connection, text, "adopt the database").await?;
        Ok(Some(Placed::AlreadyThere(found.oid)))
    }

    /// Stamps a database that carries no stamp and can only be what an earlier attempt left; checks
    /// the stamp of any other.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        found: &FoundDatabase,
        may_claim: bool,
    ) -> Result<(), ServerError> {
        match self.contradiction(found) {
            None => Ok(()),
            Some(_)
                if found.stamp == Stamp::None
                    && may_claim
                    && found.owner == OWNER
                    && !found.allows_connections =>
            {
                run(connection, self.stamping(), "stamp the database").await
            }
            Some(contradiction) => Err(self.contradicted(contradiction)),
        }
    }

    fn stamping(&self) -> String {
        let (name, comment) = (identifier(self.name.as_str()), literal(&self.identity.comment()));
        format!("COMMENT ON DATABASE {name} IS {comment}")
    }

    pub(super) fn missing(&self) -> ServerError {
        ServerError::NoDatabase(self.name.to_string())
    }
}

//! A tenant's home: its database, on the server that holds it, ours by its stamp.
//!
//! Everything that is done to one tenant's database from outside starts from this value. Whether
//! the server is a cluster or a project's is asked in this room and nowhere else.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};
use tokio::time::Instant;

use super::contradiction::Contradiction;
use super::error::ServerError;
use super::operator::{Server, Shape};
use super::role_names::OWNER;
use super::stamp::{Identity, Stamp};
use crate::adapters::postgres::{Endpoint, Lock, LockTable, PgError, Purpose, hold_for};
use crate::model::{DatabaseName, SecretText};

/// A tenant's database on its server.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(super) server: Server,
    pub(super) name: DatabaseName,
    pub(super) identity: Identity,
}

/// A database as `pg_database` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDatabase {
    pub oid: u32,
    pub owner: String,
    /// `datallowconn`.
    pub allows_connections: bool,
    /// Left behind by a `DROP DATABASE` that was cut short (`datconnlimit = -2`).
    pub is_half_dropped: bool,
    /// Whose its comment says it is.
    pub stamp: Stamp,
}

impl<'r> FromRow<'r, PgRow> for FoundDatabase {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            oid: u32::try_from(row.try_get::<i64, _>("oid")?).unwrap_or_default(),
            owner: row.try_get("owner")?,
            allows_connections: row.try_get("allows_connections")?,
            is_half_dropped: row.try_get("is_half_dropped")?,
            stamp: Stamp::read(row.try_get("comment")?),
        })
    }
}

impl Server {
    /// Returns a tenant's database on this server; nothing is contacted.
    pub(crate) fn home(&self, name: DatabaseName, identity: Identity) -> Home {
        Home { server: self.clone(), name, identity }
    }
}

/// How a home is recorded, so that an application can be given its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registration {
    /// The host to connect to.
    pub host: String,
    /// The port to connect to.
    pub port: u16,
    /// Whether a pooler answers there, which wants the project's ref behind the login's name.
    pub is_pooled: bool,
    /// The database's oid on a cluster; in a project every one of an image has the same.
    pub database_oid: Option<u32>,
    /// The cluster's own identifier, where the operator may read it.
    pub system_identifier: Option<String>,
}

impl Home {
    /// Returns what is recorded of the home: where it is, and on a cluster what tells it from
    /// another that is put in its place there.
    pub(crate) async fn registration(
        &self,
        connection: &mut PgConnection,
        oid: u32,
    ) -> Result<Registration, ServerError> {
        let endpoint = self.server.endpoint();
        let (database_oid, system_identifier) = if self.server.is_project() {
            (None, None)
        } else {
            (Some(oid), self.server.system_identifier(connection).await?)
        };
        Ok(Registration {
            host: endpoint.host_text(),
            port: endpoint.port,
            is_pooled: self.server.is_pooled(),
            database_oid,
            system_identifier,
        })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Returns whose it is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the database's name.
    pub(crate) fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// Opens a session of the server's operator.
    pub(crate) async fn operator(&self, purpose: Purpose) -> Result<PgConnection, ServerError> {
        self.server.operator(purpose).await
    }

    /// Returns the address an application connects to.
    pub(crate) fn address(&self, password: Option<SecretText>) -> Endpoint {
        let endpoint = self.server.admin.with_database(self.name.as_str());
        endpoint.with_login(&self.login_here(), password)
    }

    /// Returns how the operator connects to it, and the role that the session acts as: the owner of the
    /// tables, or in a project `postgres`, which may become it.
    pub(crate) fn operator_address(&self) -> (Endpoint, &'static str) {
        let role = match self.server.operator_role() {
            "NONE" => OWNER,
            project => project,
        };
        (self.server.admin.with_database(self.name.as_str()), role)
    }

    /// Returns what the application logs in as: behind a pooler the login's name has a suffix.
    pub(super) fn login_here(&self) -> String {
        match &self.server.shape {
            Shape::Cluster => self.name.login().to_owned(),
            Shape::Project { user_suffix, .. } => format!("{}{user_suffix}", self.name.login()),
        }
    }

    /// Returns the database's name on the server; nothing in a project, where it is the database we
    /// are connected to and a pooler may know it by another name.
    pub(super) fn name_there(&self) -> Option<&str> {
        (!self.server.is_project()).then(|| self.name.as_str())
    }

    /// Returns what was closed to the application, in words: a cluster's database, or in a project,
    /// whose database stays open to Supabase's services, the login.
    pub(crate) fn what_closes(&self) -> String {
        if self.server.is_project() {
            format!("login {}", self.name.login())
        } else {
            self.name.to_string()
        }
    }

    /// Takes the lock that lets one session at a time change the database from outside, for as long
    /// as this session lives.
    ///
    /// Its row is in the control plane: on the server there may be no database that we may make a
    /// table in and a tenant's login may not enter.
    pub(crate) async fn lock(
        &self,
        plane: &mut PgConnection,
        connection: &mut PgConnection,
        deadline: Instant,
    ) -> Result<(), ServerError> {
        let (named, server) = (("ddl", self.identity.tenant_id), self.server.lock_server());
        let lock = Lock::new(LockTable::ControlPlane, named, "the tenant's database", server)
            .told_like(&self.server.admin);
        Ok(hold_for(plane, connection, &lock, deadline).await?)
    }

    /// Returns the lock that keeps two migrations of the database apart; its row is inside.
    pub(super) fn migrations_lock(&self) -> Lock {
        let (named, server) = (("migrate", self.identity.tenant_id), self.server.lock_server());
        Lock::new(LockTable::Gate, named, "the tenant's migrations", server)
            .told_like(&self.server.admin)
    }

    /// Returns the database of exactly this name, if it exists.
    pub(crate) async fn look(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<FoundDatabase>, ServerError> {
        // Compared as text: a comparison as `name` would cut a long one and match another.
        let found = sqlx::query_as(
            r"SELECT oid::bigint, pg_get_userbyid(datdba)::text AS owner,
                datallowconn AS allows_connections, datconnlimit = -2 AS is_half_dropped,
                shobj_description(oid, 'pg_database') AS comment
            FROM pg_database WHERE datname::text = coalesce($1, current_database()::text)",
        )
        .bind(self.name_there())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look for the database"))?;
        Ok(found)
    }

    /// Returns what contradicts that a found database is this tenant's; nothing when it is.
    pub(crate) fn contradiction(&self, found: &FoundDatabase) -> Option<Contradiction> {
        found.stamp.contradiction(&self.identity)
    }

    /// Refuses a database that is not provably the one that was recorded, on the server that was
    /// recorded.
    pub(crate) fn check_ours(
        &self,
        found: &FoundDatabase,
        recorded_oid: Option<u32>,
    ) -> Result<(), ServerError> {
        self.check_stamped(found, recorded_oid.is_some())?;
        match recorded_oid {
            Some(recorded) if recorded != found.oid => {
                Err(self.contradicted(Contradiction::OtherOid { found: found.oid, recorded }))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a database that is not the tenant's by its stamp.
    ///
    /// One that was never recorded may be what a killed create left before it could stamp it:
    /// closed from its first moment and owned by our role.
    pub(crate) fn check_stamped(
        &self,
        found: &FoundDatabase,
        is_recorded: bool,
    ) -> Result<(), ServerError> {
        let is_leftover = !is_recorded
            && found.stamp == Stamp::None
            && found.owner == OWNER
            && !found.allows_connections;
        // A comment can be changed by its database's owner only, and that is our role: the tenant's
        // login cannot forge a stamp.
        match self.contradiction(found) {
            Some(contradiction) if !is_leftover => Err(self.contradicted(contradiction)),
            _ => Ok(()),
        }
    }

    /// Returns whether the database carries this tenant's stamp inside; one without a stamp is new,
    /// or was left behind before it could be stamped.
    ///
    /// # Errors
    /// When the stamp is another tenant's.
    pub(crate) async fn is_stamped_inside(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, ServerError> {
        let doing = || PgError::doing("read the stamp in the tenant's database");
        let has_table: bool =
            sqlx::query_scalar("SELECT to_regclass('tenantctl.identity') IS NOT NULL")
                .fetch_one(&mut *connection)
                .await
                .map_err(doing())?;
        if !has_table {
            return Ok(false);
        }
        let found: Option<(uuid::Uuid, uuid::Uuid)> =
            sqlx::query_as("SELECT tenant_id, control_plane_id FROM tenantctl.identity")
                .fetch_optional(connection)
                .await
                .map_err(doing())?;
        let Some((tenant, control_plane)) = found else { return Ok(false) };
        match self.identity.contradiction_of(tenant, control_plane) {
            None => Ok(true),
            Some(contradiction) => Err(self.contradicted(contradiction)),
        }
    }

    /// Returns the error about a database, or a project, that is not the tenant's.
    pub(super) fn contradicted(&self, contradiction: Contradiction) -> ServerError {
        match &self.server.shape {
            Shape::Cluster => {
                let name = self.name.to_string();
                ServerError::Contradicted { what: "database", name, contradiction }
            }
            Shape::Project { project, .. } => {
                let name = project.to_string();
                ServerError::Contradicted { what: "project", name, contradiction }
            }
        }
    }

    /// Returns the error about a login that is not the tenant's.
    pub(super) fn login_contradicted(&self, contradiction: Contradiction) -> ServerError {
        let name = self.name.login().to_owned();
        ServerError::Contradicted { what: "role", name, contradiction }
    }
}

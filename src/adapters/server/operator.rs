//! The cluster as its operator sees it: which databases there are, making one, dropping one.
//!
//! `CREATE DATABASE` cannot run in a transaction and outlives a client that is killed, so each
//! act looks first, under a lock held by the very session that acts.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::{Identity, ServerError, Stamp};
use crate::adapters::postgres::{
    self, Endpoint, Lock, LockKey, LockServer, PgError, Purpose, hold_until, identifier, literal,
};
use crate::model::{DatabaseName, ProjectRef};

type Result<T> = std::result::Result<T, ServerError>;

/// Owns every tenant's database and all that is in it; nobody logs in as it.
pub(super) const OWNER: &str = "tenantctl_owner";
/// Holds the application's grants; each tenant's login is a member.
pub(super) const APP: &str = "tenantctl_app";

/// The Postgres server that holds the databases of placement `database`, or the one of a Supabase
/// project, which holds one tenant's.
#[derive(Debug, Clone)]
pub struct Server {
    pub(super) admin: Endpoint,
    pub(super) control_plane_id: Uuid,
    pub(super) shape: Shape,
}

/// What kind of server this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Ours to make databases on.
    Shared,
    /// A Supabase project's: its one database is there already, and Supabase's own services use it.
    Project {
        /// What a pooler wants behind the name of every login; empty where there is none.
        user_suffix: String,
    },
}

impl Shape {
    pub(super) fn lock_server(&self) -> LockServer {
        match self {
            Self::Shared => LockServer::Cluster,
            Self::Project { .. } => LockServer::Project,
        }
    }
}

/// The role that may do everything a customer may in a Supabase project.
const PROJECT_OPERATOR: &str = "postgres";

/// A database that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its oid.
    pub oid: u32,
    /// Its owner's name.
    pub owner: String,
    /// Whether it lets anybody connect.
    pub is_open: bool,
    /// Left behind by a `DROP DATABASE` that was cut short (`datconnlimit = -2`).
    pub is_half_dropped: bool,
    /// Whose it says it is.
    pub stamp: Stamp,
}

/// How a database came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// Made now.
    Created(u32),
    /// It was there, and it is ours.
    AlreadyThere(u32),
}

impl Placed {
    /// Returns the database's oid.
    pub fn oid(self) -> u32 {
        match self {
            Self::Created(oid) | Self::AlreadyThere(oid) => oid,
        }
    }
}

impl Server {
    /// Returns the cluster at an address; nothing is contacted.
    pub fn new(admin: Endpoint, control_plane_id: Uuid) -> Self {
        Self { admin, control_plane_id, shape: Shape::Shared }
    }

    /// Returns the server of a Supabase project, entered with a login that is a member of
    /// `postgres`; nothing is contacted.
    pub fn of_project(admin: Endpoint, control_plane_id: Uuid, user_suffix: String) -> Self {
        Self { admin, control_plane_id, shape: Shape::Project { user_suffix } }
    }

    /// Returns whether this is a Supabase project's.
    pub fn is_project(&self) -> bool {
        self.shape != Shape::Shared
    }

    /// Returns whether a pooler answers here.
    pub fn is_pooled(&self) -> bool {
        matches!(&self.shape, Shape::Project { user_suffix } if !user_suffix.is_empty())
    }

    /// Returns where its operator connects.
    pub fn endpoint(&self) -> &Endpoint {
        &self.admin
    }

    /// Returns the control plane whose tenants live here.
    pub fn control_plane_id(&self) -> Uuid {
        self.control_plane_id
    }

    /// Opens a session of the operator.
    ///
    /// # Errors
    /// When the cluster cannot be reached.
    pub async fn operator(&self, purpose: Purpose) -> Result<PgConnection> {
        let mut connection = postgres::connect(&self.admin, purpose).await?;
        self.act_as_operator(&mut connection).await?;
        Ok(connection)
    }

    /// Returns the database's name on the server; nothing in a project, where it is the one we are
    /// in and a pooler may know it by another name.
    pub(super) fn name_of<'n>(&self, name: &'n DatabaseName) -> Option<&'n str> {
        (!self.is_project()).then(|| name.as_str())
    }

    /// Becomes `postgres` in a project: what it may do is not inherited by a login that is its
    /// member.
    pub(super) async fn act_as_operator(&self, connection: &mut PgConnection) -> Result<()> {
        if !self.is_project() {
            return Ok(());
        }
        let statement = format!("SET SESSION ROLE {PROJECT_OPERATOR}");
        run(connection, statement, "act as the project's `postgres`").await
    }

    /// Takes the lock that lets one session at a time change the tenant's database from outside, for
    /// as long as this session lives.
    ///
    /// # Errors
    /// When another session holds it until the deadline.
    pub async fn lock(
        &self,
        connection: &mut PgConnection,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<()> {
        let key = LockKey::of("ddl", identity.tenant_id);
        let lock = Lock::new(key, "the tenant's database", self.shape.lock_server());
        Ok(hold_until(connection, &lock, deadline).await?)
    }

    /// Makes the two roles that every tenant's database relies on, when they are missing.
    ///
    /// # Errors
    /// When the operator may not create roles.
    pub async fn prepare(&self, connection: &mut PgConnection, deadline: Instant) -> Result<()> {
        // Another control plane on this cluster may make them in the same moment, and advisory locks
        // reach no further than one database: who comes second looks again.
        let statement = format!(
            "DO $$ DECLARE role text; BEGIN FOREACH role IN ARRAY ARRAY['{OWNER}', '{APP}'] \
             LOOP IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN \
             EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE \
             NOREPLICATION NOBYPASSRLS', role); END IF; END LOOP; END $$; \
             GRANT {OWNER} TO CURRENT_USER; GRANT {APP} TO CURRENT_USER"
        );
        loop {
            if is_prepared(connection).await? {
                return Ok(());
            }
            let doing = "create the roles tenantctl_owner and tenantctl_app";
            match run(connection, statement.clone(), doing).await {
                Ok(()) => return Ok(()),
                // Made by somebody else (23505, 42710), or two GRANTs of one role met ("tuple
                // concurrently updated", XX000).
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

    /// Returns the database of that exact name, if there is one.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn look(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
    ) -> Result<Option<Found>> {
        // Compared as text: a comparison as `name` would cut a long one and match another.
        let row: Option<(i64, String, bool, bool, Option<String>)> = sqlx::query_as(
            "SELECT oid::bigint, pg_get_userbyid(datdba)::text, datallowconn, datconnlimit = -2, \
             shobj_description(oid, 'pg_database') FROM pg_database \
             WHERE datname::text = coalesce($1, current_database()::text)",
        )
        .bind(self.name_of(name))
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look for the database"))?;
        Ok(row.map(|(oid, owner, is_open, is_half_dropped, comment)| Found {
            oid: u32::try_from(oid).unwrap_or_default(),
            owner,
            is_open,
            is_half_dropped,
            stamp: Stamp::read(comment.as_deref()),
        }))
    }

    /// Refuses a project whose database is stamped as another tenant's. One without a stamp is new,
    /// or was left behind before it could be stamped.
    ///
    /// # Errors
    /// When the stamp inside contradicts, or the server does not answer.
    pub async fn refuse_stranger(
        &self,
        connection: &mut PgConnection,
        identity: &Identity,
        project: &ProjectRef,
    ) -> Result<bool> {
        let doing = || PgError::doing("read the stamp in the project's database");
        let (is_there,): (bool,) =
            sqlx::query_as("SELECT to_regclass('tenantctl.identity') IS NOT NULL")
                .fetch_one(&mut *connection)
                .await
                .map_err(doing())?;
        if !is_there {
            return Ok(false);
        }
        let found: Option<(Uuid, Uuid)> =
            sqlx::query_as("SELECT tenant_id, control_plane_id FROM tenantctl.identity")
                .fetch_optional(connection)
                .await
                .map_err(doing())?;
        match found {
            None => Ok(false),
            Some((tenant, plane))
                if tenant == identity.tenant_id && plane == identity.control_plane_id =>
            {
                Ok(true)
            }
            Some((tenant, plane)) => {
                let finding =
                    format!("its identity row names tenant {tenant} of control plane {plane}");
                Err(stranger("project", project.as_str(), finding))
            }
        }
    }

    /// Returns the cluster's own identifier, where the operator may read it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn system_identifier(&self, connection: &mut PgConnection) -> Result<Option<String>> {
        let (id,): (Option<String>,) = sqlx::query_as(
            "SELECT CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'execute') \
             THEN (SELECT system_identifier::text FROM pg_control_system()) END",
        )
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask which cluster this is"))?;
        Ok(id)
    }

    /// Makes the tenant's database, closed to connections and stamped, unless it is there.
    ///
    /// `was_intended` says that an earlier attempt recorded its intent: only then an unstamped,
    /// closed database of ours may be what that attempt left behind.
    ///
    /// # Errors
    /// When a database of that name is not the tenant's, or the server refuses.
    pub async fn create_database(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
        was_intended: bool,
        deadline: Instant,
    ) -> Result<Placed> {
        self.prepare(connection, deadline).await?;
        // Held by the session that runs the CREATE: when a killed client left one running, this
        // waits until the server is done with it and then sees the true outcome.
        self.lock(connection, identity, deadline).await?;
        let mut may_adopt = was_intended;
        for _ in 0..3 {
            match self.look(connection, name).await? {
                Some(found) if found.is_half_dropped => {
                    if let Some(finding) = found.stamp.contradiction(identity) {
                        return Err(stranger("database", name.as_str(), finding));
                    }
                    let statement = format!("DROP DATABASE {}", identifier(name.as_str()));
                    run(connection, statement, "finish dropping the half-dropped database").await?;
                }
                Some(found) => {
                    self.adopt(connection, name, identity, &found, may_adopt).await?;
                    return Ok(Placed::AlreadyThere(found.oid));
                }
                None => {
                    let statement = format!(
                        "CREATE DATABASE {} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8' \
                         ALLOW_CONNECTIONS false",
                        identifier(name.as_str())
                    );
                    match run(connection, statement, "create the database").await {
                        Ok(()) => {
                            let found = self.look(connection, name).await?;
                            let found =
                                found.ok_or_else(|| ServerError::NoDatabase(name.to_string()))?;
                            self.adopt(connection, name, identity, &found, true).await?;
                            return Ok(Placed::Created(found.oid));
                        }
                        // Somebody's CREATE won while ours waited for it: look again.
                        Err(ServerError::Postgres(error))
                            if error.is("42P04") || error.is("23505") =>
                        {
                            may_adopt = was_intended;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Err(ServerError::NoDatabase(name.to_string()))
    }

    /// Takes a database in that somebody else made: ours from now on, and stamped; nothing when it
    /// is not there.
    ///
    /// # Errors
    /// When it is stamped as another tenant's or commented on by somebody else, or the operator may
    /// not give it to us.
    pub async fn adopt_database(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
    ) -> Result<Option<Placed>> {
        let Some(found) = self.look(connection, name).await? else { return Ok(None) };
        match found.stamp.contradiction(identity) {
            Some(finding) if found.stamp != Stamp::None => {
                return Err(stranger("database", name.as_str(), finding));
            }
            _ => {}
        }
        let quoted = identifier(name.as_str());
        let text = format!(
            "ALTER DATABASE {quoted} OWNER TO {OWNER}; COMMENT ON DATABASE {quoted} IS {}",
            literal(&identity.comment())
        );
        run(connection, text, "take the database in").await?;
        Ok(Some(Placed::AlreadyThere(found.oid)))
    }

    async fn adopt(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        identity: &Identity,
        found: &Found,
        may_adopt: bool,
    ) -> Result<()> {
        match found.stamp.contradiction(identity) {
            None => Ok(()),
            Some(_)
                if found.stamp == Stamp::None
                    && may_adopt
                    && found.owner == OWNER
                    && !found.is_open =>
            {
                let statement = format!(
                    "COMMENT ON DATABASE {} IS {}",
                    identifier(name.as_str()),
                    literal(&identity.comment())
                );
                run(connection, statement, "stamp the database").await
            }
            Some(finding) => Err(stranger("database", name.as_str(), finding)),
        }
    }

    /// Drops the tenant's database after checking, on this very session, whose it is; returns
    /// whether there was one. Only absence that was looked at counts as dropped.
    ///
    /// # Errors
    /// When the database is not the tenant's, or it is still there afterwards.
    pub async fn drop_database(
        &self,
        name: &DatabaseName,
        identity: &Identity,
        recorded_oid: Option<u32>,
        deadline: Instant,
    ) -> Result<bool> {
        let mut connection = self.operator(Purpose::destroy("purge")).await?;
        self.lock(&mut connection, identity, deadline).await?;
        let Some(found) = self.look(&mut connection, name).await? else {
            Endpoint::close(connection).await;
            return Ok(false);
        };
        self.check_ours(name, identity, &found, recorded_oid)?;
        let statement = format!("DROP DATABASE {}", identifier(name.as_str()));
        loop {
            self.end_sessions(&mut connection, name, deadline).await?;
            match run(&mut connection, statement.clone(), "drop the database").await {
                Ok(()) => break,
                Err(ServerError::Postgres(error))
                    if error.is("55006") && Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
        }
        let (is_there,): (bool,) = sqlx::query_as(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname::text = $1 OR oid::bigint = $2)",
        )
        .bind(name.as_str())
        .bind(i64::from(found.oid))
        .fetch_one(&mut connection)
        .await
        .map_err(PgError::doing("prove that the database is gone"))?;
        Endpoint::close(connection).await;
        if is_there {
            return Err(stranger("database", name.as_str(), "it is still there".to_owned()));
        }
        Ok(true)
    }

    /// Refuses a database that is not provably the tenant's.
    ///
    /// One that was never recorded may be what a killed create left before it could stamp it:
    /// closed from its first moment and owned by our role.
    ///
    /// # Errors
    /// When stamp or oid contradict.
    pub fn check_ours(
        &self,
        name: &DatabaseName,
        identity: &Identity,
        found: &Found,
        recorded_oid: Option<u32>,
    ) -> Result<()> {
        let is_leftover = recorded_oid.is_none()
            && found.stamp == Stamp::None
            && found.owner == OWNER
            && !found.is_open;
        if let Some(finding) = found.stamp.contradiction(identity)
            && !is_leftover
        {
            return Err(stranger("database", name.as_str(), finding));
        }
        match recorded_oid {
            Some(oid) if oid != found.oid => {
                let finding = format!("its oid is {}, the record says {oid}", found.oid);
                Err(stranger("database", name.as_str(), finding))
            }
            _ => Ok(()),
        }
    }

    /// Ends every session on the database, in a project the application's, and sweeps until none is
    /// left.
    ///
    /// # Errors
    /// When sessions are still there at the deadline.
    pub async fn end_sessions(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        deadline: Instant,
    ) -> Result<()> {
        // In a project, the sessions of Supabase's own services are none of our business.
        let only = self.is_project().then(|| name.login());
        loop {
            // Only what a client brought: the server's own workers end by themselves, and a
            // superuser's session is not ours to end; it counts as left.
            let (left,): (i64,) = sqlx::query_as(
                "SELECT count(*) FROM (SELECT CASE WHEN r.rolsuper AND NOT (SELECT rolsuper \
                 FROM pg_roles WHERE rolname = current_user) THEN false \
                 ELSE pg_terminate_backend(a.pid) END \
                 FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid \
                 WHERE a.datname::text = coalesce($1, current_database()::text) \
                 AND ($2::text IS NULL OR a.usename::text = $2) AND a.pid <> pg_backend_pid() \
                 AND coalesce(a.backend_type, 'client backend') IN ('client backend', 'walsender')) \
                 ended",
            )
            .bind(self.name_of(name))
            .bind(only)
            .fetch_one(&mut *connection)
            .await
            .map_err(PgError::doing("end the sessions on the database"))?;
            if left == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ServerError::SessionsStay { database: name.to_string(), left });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn is_prepared(connection: &mut PgConnection) -> Result<bool> {
    // From 16 on, membership alone no longer says that one may SET ROLE.
    let (is_prepared,): (bool,) = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT count(*) = 2 FROM pg_roles r WHERE rolname IN ('{OWNER}', '{APP}') \
         AND CASE WHEN current_setting('server_version_num')::int >= 160000 \
         THEN pg_has_role(current_user, r.oid, 'USAGE') \
           AND (SELECT rolsuper OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid \
             AND m.member = u.oid AND (to_jsonb(m) ->> 'set_option')::boolean) \
             FROM pg_roles u WHERE u.rolname = current_user) \
         ELSE pg_has_role(current_user, r.oid, 'MEMBER') END"
    )))
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for the roles tenantctl_owner and tenantctl_app"))?;
    Ok(is_prepared)
}

pub(super) async fn run(
    connection: &mut PgConnection,
    statement: String,
    doing: &'static str,
) -> Result<()> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    done.map(drop).map_err(|error| PgError::doing(doing)(error).into())
}

pub(super) fn stranger(what: &'static str, name: &str, finding: String) -> ServerError {
    ServerError::Stranger { what, name: name.to_owned(), finding }
}

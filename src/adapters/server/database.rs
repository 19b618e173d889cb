//! The inside of one tenant's database: entered as its owner, stamped, migrated, verified.
//!
//! A session here acts as `tenantctl_owner`, bound by forced row security like everybody: it sets
//! the tenant's id, so that a migration's UPDATE reaches the tenant's rows.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use tokio::time::Instant;

use super::contradiction::Contradiction;
use super::error::ServerError;
use super::home::Home;
use super::operator::Server;
use super::role_names::OWNER;
use super::seed::{self, SeedOutcome, Seeds};
use super::supabase;
use crate::adapters::postgres::{
    self, Endpoint, Footing, Functions, History, Lock, LockTable, MigrationSet, PgError, Purpose,
    hold_until, literal, row,
};
use crate::model::{MigrationRecord, Provenance, SchemaVersion, SecretText};

type Result<T> = std::result::Result<T, ServerError>;

/// A session inside a tenant's database, as its owner.
#[derive(Debug)]
pub(crate) struct TenantDatabase {
    connection: PgConnection,
    /// How the session stands before a file runs in it, and after.
    footing: Footing,
    home: Home,
}

/// What clients could reach past row security.
pub(super) const EXPOSURE: &str = include_str!("exposure.sql");

/// One way past row security.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Finding {
    /// A clause, as in `row security is not forced on notes`.
    pub(crate) text: String,
    /// The table or view, with its schema; nothing for a function.
    pub(crate) relation: Option<String>,
    /// The statement that mends it.
    pub(crate) line: String,
}

row! {
    /// What was seen inside a tenant's database.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Exposure {
        /// How many tables carry a tenant's id.
        pub(crate) tables: i64,
        /// What lets a client past row security.
        pub(crate) findings: Json<Vec<Finding>>,
        /// Whether any role of the server may connect, where the database is the tenant's alone.
        pub(crate) is_public: bool,
    }
}

impl Home {
    /// Opens a session inside the tenant's database, as its owner, and checks whose it is.
    ///
    /// # Errors
    /// When it is not there, is closed, or its identity is another tenant's.
    pub(crate) async fn enter(&self, purpose: Purpose) -> Result<TenantDatabase> {
        let endpoint = self.server.admin.with_database(self.name.as_str());
        let mut connection = match postgres::connect(&endpoint, purpose).await {
            Ok(connection) => connection,
            Err(error) if error.is("3D000") => {
                return Err(ServerError::NoDatabase(self.name.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        // `public` first, so that a migration's tables land there; pg_catalog is searched before
        // it all the same.
        self.server.act_as_operator(&mut connection).await?;
        let settings = format!(
            "SET ROLE {OWNER}; SET search_path = public; SET app.current_tenant_id = {}",
            literal(&self.identity.tenant_id.to_string())
        );
        let footing = Footing::new(purpose, &settings);
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await
            .map_err(PgError::doing("act as the owner of the tenant's database"))?;
        Ok(TenantDatabase { connection, footing, home: self.clone() })
    }

    /// Tries the application's login, as the application will, and what the gate says to it.
    ///
    /// # Errors
    /// When the login does not work.
    pub(crate) async fn try_login(&self, password: &SecretText) -> Result<bool> {
        let endpoint = self.server.admin.with_database(self.name.as_str());
        let endpoint = endpoint.with_login(&self.login_here(), Some(password.clone()));
        let mut connection = postgres::connect(&endpoint, Purpose::query("verify")).await?;
        // The tenant's own id passes; no id, and any other, do not.
        let gate = sqlx::query_scalar(
            r"SELECT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
                    IS FALSE
                AND tenantctl.access_allowed() IS NOT TRUE
                AND set_config('app.current_tenant_id', $1, false) = $1
                AND tenantctl.access_allowed()
                AND set_config('app.current_tenant_id', gen_random_uuid()::text, false) <> $1
                AND tenantctl.access_allowed() IS NOT TRUE",
        )
        .bind(self.identity.tenant_id.to_string())
        .fetch_one(&mut connection)
        .await
        .map_err(PgError::doing("try the gate with the application's login"))?;
        Endpoint::close(connection).await;
        Ok(gate)
    }
}

impl TenantDatabase {
    /// Returns where it is.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the session itself, for this room's other files.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Takes the lock that keeps two migrations of one database apart, for as long as this session
    /// lives.
    ///
    /// # Errors
    /// When another session holds it until the deadline.
    pub(crate) async fn lock(&mut self, deadline: Instant) -> Result<()> {
        let named = ("migrate", self.home.identity.tenant_id);
        let server = self.home.server.lock_server();
        let lock = Lock::new(LockTable::Gate, named, "the tenant's migrations", server)
            .told_like(&self.home.server.admin);
        Ok(hold_until(&mut self.connection, &lock, deadline).await?)
    }

    /// Returns a set's history, which is empty when none was ever kept.
    pub(crate) async fn history(&mut self, set: &MigrationSet) -> Result<History> {
        Ok(postgres::read_history(&mut self.connection, set).await?)
    }

    /// Applies what is pending of a set.
    ///
    /// # Errors
    /// The first migration that fails; it leaves nothing behind.
    pub(crate) async fn apply(
        &mut self,
        set: &MigrationSet,
        target: Option<SchemaVersion>,
    ) -> Result<Vec<MigrationRecord>> {
        let (footing, server) = (self.footing.clone(), &self.home.server);
        let footing_of = |provenance| footing_of(&footing, server, provenance);
        let applied = postgres::apply(&mut self.connection, footing_of, set, target).await;
        applied.map_err(|error| supabase::explain(error, &self.home.server).into())
    }

    /// Installs the functions of a set, all of them or none.
    ///
    /// # Errors
    /// When the server refuses one.
    pub(crate) async fn install_functions(&mut self, functions: &Functions) -> Result<()> {
        Ok(postgres::install_functions(&mut self.connection, functions).await?)
    }

    /// Writes whose database this is, once; a stamp that says otherwise is never overwritten.
    ///
    /// # Errors
    /// When it is stamped as another tenant's.
    pub(crate) async fn stamp(&mut self) -> Result<()> {
        sqlx::query(
            "INSERT INTO tenantctl.identity (tenant_id, slug, control_plane_id) \
             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(self.home.identity.tenant_id)
        .bind(&self.home.identity.slug)
        .bind(self.home.identity.control_plane_id)
        .execute(&mut self.connection)
        .await
        .map_err(PgError::doing("stamp the tenant's database"))?;
        self.check_identity().await
    }

    /// Checks that this is the database it is taken for.
    ///
    /// # Errors
    /// When it carries no stamp or another tenant's.
    pub(crate) async fn check_identity(&mut self) -> Result<()> {
        let found: Result<Option<(uuid::Uuid, uuid::Uuid)>> =
            sqlx::query_as("SELECT tenant_id, control_plane_id FROM tenantctl.identity")
                .fetch_optional(&mut self.connection)
                .await
                .map_err(|error| PgError::doing("read the database's stamp")(error).into());
        let contradiction = match found {
            Ok(Some((tenant, plane))) => self.home.identity.contradiction_of(tenant, plane),
            Ok(None) => Some(Contradiction::NoIdentity),
            Err(ServerError::Postgres(error)) if error.is("42P01") || error.is("3F000") => {
                Some(Contradiction::NoIdentity)
            }
            Err(error) => return Err(error),
        };
        contradiction.map_or(Ok(()), |found| Err(self.home.contradicted(found)))
    }

    /// Returns how many files of a seed set were not applied yet.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn seeds_left(&mut self, set: &Seeds<'_>) -> Result<usize> {
        seed::left(&mut self.connection, set).await
    }

    /// Applies a seed set in one transaction; files that were applied before are left alone.
    ///
    /// # Errors
    /// When a file fails; nothing of the set stays.
    pub(crate) async fn seed(&mut self, set: &Seeds<'_>) -> Result<SeedOutcome> {
        let footing = footing_of(&self.footing, &self.home.server, set.provenance);
        seed::apply(&mut self.connection, &footing, set).await
    }

    /// Looks at what must hold before a tenant may be used.
    pub(crate) async fn exposure(&mut self) -> Result<Exposure> {
        let seen: Exposure = sqlx::query_as(EXPOSURE)
            .fetch_one(&mut self.connection)
            .await
            .map_err(PgError::doing("look at the tenant's tables"))?;
        // Supabase's own services connect to a project's database.
        let is_public = seen.is_public && !self.home.server.is_project();
        Ok(Exposure { is_public, ..seen })
    }

    pub(crate) async fn close(self) {
        Endpoint::close(self.connection).await;
    }
}

/// Returns what files of ours and of the operator's run on, in a session that stands on `ours`.
fn footing_of(ours: &Footing, server: &Server, provenance: Provenance) -> Footing {
    match provenance {
        Provenance::Folder if server.is_project() => {
            ours.clone().with_files_after(supabase::FOOTING)
        }
        Provenance::Folder | Provenance::Embedded => ours.clone(),
    }
}

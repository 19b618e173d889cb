//! The inside of one tenant's database: entered as its owner, stamped, migrated, verified.
//!
//! A session here acts as `tenantctl_owner`, bound by forced row security like everybody: it sets
//! the tenant's id, so that a migration's UPDATE reaches the tenant's rows.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::catalog::{CATALOG, Catalog};
use super::contradiction::Contradiction;
use super::error::ServerError;
use super::exposure::{EXPOSURE, Exposure};
use super::home::Home;
use super::operator::Server;
use super::seed::{self, SeedOutcome, Seeds};
use super::seen::Seen;
use super::supabase;
use crate::adapters::postgres::{
    self, Endpoint, Footing, Functions, History, Known, MigrationSet, PgError, Purpose, hold_until,
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
    /// What was seen when it was entered, as far as it still holds.
    seen: Seen,
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
        self.server.act_as_operator(&mut connection).await?;
        let settings = self.settings();
        let footing = Footing::new(purpose, &settings);
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await
            .map_err(PgError::doing("act as the owner of the tenant's database"))?;
        Ok(TenantDatabase::of(connection, footing, self.clone(), Seen::default()))
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
    /// Returns a session that was opened and seen.
    pub(super) fn of(connection: PgConnection, footing: Footing, home: Home, seen: Seen) -> Self {
        Self { connection, footing, home, seen }
    }

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
        if self.seen.is_locked {
            return Ok(());
        }
        // What was seen without it may be over.
        self.seen = Seen::default();
        hold_until(&mut self.connection, &self.home.migrations_lock(), deadline).await?;
        self.seen.is_locked = true;
        Ok(())
    }

    /// Returns a set's history, which is empty when none was ever kept.
    pub(crate) async fn history(&mut self, set: &MigrationSet) -> Result<History> {
        if let Some(seen) = self.seen.histories.get(set.history) {
            return Ok(seen.clone());
        }
        let history = postgres::read_history(&mut self.connection, set).await?;
        if self.seen.is_locked {
            self.seen.histories.insert(set.history, history.clone());
        }
        Ok(history)
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
        // A file may change whatever was seen; only the locks stay.
        let Seen { mut histories, locks, .. } = self.forget();
        let known = histories.remove(set.history).zip(locks);
        let known = known.map(|(history, locks)| Known { history, locks });
        let (footing, server) = (self.footing.clone(), &self.home.server);
        let footing_of = |provenance| footing_of(&footing, server, provenance);
        let applied = postgres::apply(&mut self.connection, footing_of, set, target, known).await;
        applied.map_err(|error| supabase::explain(error, &self.home.server).into())
    }

    /// Installs the functions of a set, all of them or none.
    ///
    /// # Errors
    /// When the server refuses one.
    pub(crate) async fn install_functions(&mut self, functions: &Functions) -> Result<()> {
        let _seen = self.forget();
        Ok(postgres::install_functions(&mut self.connection, functions).await?)
    }

    /// Takes away what was seen, but which locks the session holds: that stays until it ends.
    pub(super) fn forget(&mut self) -> Seen {
        let Seen { is_locked, locks, .. } = &self.seen;
        let left = Seen { is_locked: *is_locked, locks: locks.clone(), ..Seen::default() };
        std::mem::replace(&mut self.seen, left)
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
        let _seen = self.forget();
        let footing = footing_of(&self.footing, &self.home.server, set.provenance);
        seed::apply(&mut self.connection, &footing, set).await
    }

    /// Looks at what must hold before a tenant may be used.
    pub(crate) async fn exposure(&mut self) -> Result<Exposure> {
        let seen: Exposure = match self.seen.exposure.take() {
            Some(seen) => seen,
            None => sqlx::query_as(EXPOSURE)
                .fetch_one(&mut self.connection)
                .await
                .map_err(PgError::doing("look at the tenant's tables"))?,
        };
        // Supabase's own services connect to a project's database.
        let is_public = seen.is_public && !self.home.server.is_project();
        Ok(Exposure { is_public, ..seen })
    }

    /// Returns the catalog; where it has the expected digest, without what stands in it.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn catalog(&mut self, expected: Option<&str>) -> Result<Catalog> {
        if let Some(seen) = self.seen.catalog_for(expected) {
            return Ok(seen);
        }
        let login = self.home.name().login().to_owned();
        let catalog = sqlx::query_as(CATALOG)
            .bind(login)
            .bind(expected)
            .fetch_one(&mut self.connection)
            .await
            .map_err(PgError::doing("read the database's catalog"))?;
        Ok(catalog)
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

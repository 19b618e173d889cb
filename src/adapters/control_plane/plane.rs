//! The control plane itself: opened once, its schema checked before anything else.

use std::cmp::Ordering;
use std::time::Duration;

use refinery_core::Migration;
use sqlx::Connection;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Postgres, pool};
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{
    self, Endpoint, Functions, InstalledFunctions, MigrationSet, PgError, Purpose, row,
};
use crate::model::Patience;

mod embedded {
    refinery::embed_migrations!("migrations/control_plane");
}

/// A transaction on the control plane; dropped without `commit`, nothing happened.
pub(super) type Transaction = sqlx::Transaction<'static, Postgres>;

/// Sessions of one command at the same time, beside the one that holds a lock.
const POOL_SIZE: u32 = 8;

/// How long a session may take before we look what is the matter.
const DOUBT: Duration = Duration::from_millis(200);

/// The database that knows all tenants.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    endpoint: Endpoint,
    pool: PgPool,
    id: Uuid,
}

/// Returns the control plane's migrations.
pub(crate) fn set() -> MigrationSet {
    set_and(&[])
}

/// Returns the control plane's migrations and those that a later tenantctl brings, each with its name
/// (`V8__x`) and text; what is not named like one is left out.
pub(crate) fn set_and(later: &[(&str, &str)]) -> MigrationSet {
    let mut migrations = embedded::migrations::runner().get_migrations().clone();
    migrations.extend(later.iter().flat_map(|(name, text)| Migration::unapplied(name, text)));
    MigrationSet::embedded("control_plane", "control_plane.schema_history", migrations)
        .with_functions(Functions::of("control_plane", "control_plane.functions"))
}

row! {
    /// Which control plane it is, and what it went through.
    struct Standing {
        version: Option<i64>,
        control_plane_id: Uuid,
        checksum: Option<String>,
        installed_by: Option<String>,
    }
}

impl Standing {
    /// Checks that migrations and functions are those of this binary.
    fn check(&self) -> Result<(), ControlPlaneError> {
        let set = set();
        let known = set.records().last().map_or(0, |record| record.version.0);
        let found = self.version.unwrap_or(0);
        match found.cmp(&known) {
            Ordering::Less => return Err(ControlPlaneError::Outdated { found, known }),
            Ordering::Greater => return Err(ControlPlaneError::Newer { found, known }),
            Ordering::Equal => {}
        }
        let Some(ours) = set.functions.map(|functions| functions.record().checksum) else {
            return Ok(());
        };
        let checksum = self.checksum.as_ref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let by = self.installed_by.clone().unwrap_or_default();
        let installed = InstalledFunctions { checksum, by };
        if checksum == ours {
            Ok(())
        } else if installed.is_newer() {
            Err(ControlPlaneError::NewerFunctions(installed.by))
        } else {
            Err(ControlPlaneError::OtherFunctions)
        }
    }
}

impl ControlPlane {
    /// Connects and checks that the schema is the one this binary knows.
    ///
    /// # Errors
    /// When the server cannot be reached, or the schema is missing, older or newer.
    pub async fn open(endpoint: Endpoint) -> Result<Self, ControlPlaneError> {
        let pool = postgres::pool(&endpoint, Purpose::query("command"), POOL_SIZE);
        let mut connection = acquire(&pool, &endpoint).await?;
        let found: Result<Standing, _> = sqlx::query_as(
            r"SELECT (SELECT max(version) FROM control_plane.schema_history) AS version,
                control_plane_id, f.checksum, f.installed_by
            FROM control_plane.identity LEFT JOIN control_plane.functions f ON true",
        )
        .fetch_one(&mut *connection)
        .await;
        // At once, so that the next to ask gets this session and opens none.
        connection.return_to_pool().await;
        let standing = match found {
            Ok(standing) => standing,
            Err(error) => {
                let error = PgError::doing("read the control plane's version")(error);
                let is_missing = error.is("42P01") || error.is("3F000");
                return Err(if is_missing {
                    ControlPlaneError::NotInstalled(endpoint.to_string())
                } else {
                    error.into()
                });
            }
        };
        standing.check()?;
        Ok(Self { endpoint, pool, id: standing.control_plane_id })
    }

    /// Returns the id that is stamped into every tenant's database.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the role that this program logs in as.
    pub async fn login(&self) -> Result<String, ControlPlaneError> {
        let mut session = self.session().await?;
        let login = sqlx::query_scalar("SELECT session_user::text").fetch_one(&mut *session).await;
        Ok(login.map_err(PgError::doing("ask who is logged in"))?)
    }

    /// Returns for how long the command may wait.
    pub(crate) fn patience(&self) -> Patience {
        self.endpoint.patience()
    }

    /// Returns a session for statements that are each their own transaction.
    ///
    /// # Errors
    /// When no session can be had.
    pub async fn session(&self) -> Result<PoolConnection<Postgres>, ControlPlaneError> {
        Ok(acquire(&self.pool, &self.endpoint).await?)
    }

    /// Ends sessions that nobody uses: where few connections are free, somebody else needs them.
    pub(crate) async fn end_spare_sessions(&self) {
        while let Some(spare) = self.pool.try_acquire() {
            // One that does not end properly is gone as well.
            drop(spare.close().await);
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When no session can be had.
    pub async fn begin(&self) -> Result<Transaction, ControlPlaneError> {
        let begun = self.pool.begin().await;
        Ok(begun.map_err(PgError::doing("begin a transaction on the control plane"))?)
    }

    /// Opens a session of its own, to hold a lock that must live exactly as long as the work.
    ///
    /// # Errors
    /// When no session can be had.
    pub async fn dedicated(
        &self,
        purpose: &'static str,
    ) -> Result<PgConnection, ControlPlaneError> {
        Ok(postgres::connect(&self.endpoint, Purpose::query(purpose)).await?)
    }

    /// Ends every session.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// Returns a session of the pool, or why none could be had.
///
/// Where a server refuses, the pool goes on trying for as long as it may wait and in the end tells
/// only that it waited (sqlx-core 0.9 `src/pool/inner.rs`), so an attempt beside it asks for the
/// reason, and says what is waited for. A server that answers at once never sees that attempt.
pub(super) async fn acquire(
    pool: &pool::Pool<Postgres>,
    endpoint: &Endpoint,
) -> Result<PoolConnection<Postgres>, PgError> {
    let acquiring = pool.acquire();
    tokio::pin!(acquiring);
    let mut acquired = tokio::time::timeout(DOUBT, &mut acquiring).await.ok();
    // When the pool is at its size, it is our own sessions that are waited for.
    let mut is_asking = pool.size() < POOL_SIZE;
    let mut asking = Box::pin(postgres::connect(endpoint, Purpose::query("command")));
    let acquired = loop {
        if let Some(acquired) = acquired {
            break acquired;
        }
        tokio::select! {
            got = &mut acquiring => acquired = Some(got),
            asked = &mut asking, if is_asking => {
                Endpoint::close(asked.map_err(|error| error.at(target(endpoint)))?).await;
                is_asking = false;
            }
            // What another part of the command gave back serves as well as a new one.
            () = tokio::time::sleep(DOUBT) => acquired = pool.try_acquire().map(Ok),
        }
    };
    let mut connection =
        acquired.map_err(|error| postgres::refused(target(endpoint), endpoint, error))?;
    connection.shrink_buffers();
    Ok(connection)
}

fn target(endpoint: &Endpoint) -> String {
    format!("the control plane {endpoint}")
}

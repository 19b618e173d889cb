//! The control plane itself: opened once, its schema checked before anything else.

use sqlx::Connection;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Postgres, pool};
use uuid::Uuid;

use super::ControlPlaneError;
use crate::adapters::postgres::{self, Endpoint, MigrationSet, PgError, Purpose};

mod embedded {
    refinery::embed_migrations!("migrations/control_plane");
}

/// A transaction on the control plane; dropped without `commit`, nothing happened.
pub type Transaction = sqlx::Transaction<'static, Postgres>;

/// Sessions of one command at the same time, beside the one that holds a lock.
const POOL_SIZE: u32 = 8;

/// The database that knows all tenants.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    endpoint: Endpoint,
    pool: PgPool,
    id: Uuid,
}

/// Returns the control plane's migrations.
pub fn set() -> MigrationSet {
    MigrationSet::new(
        "control_plane",
        "control_plane.schema_history",
        embedded::migrations::runner().get_migrations().clone(),
    )
}

impl ControlPlane {
    /// Connects and checks that the schema is the one this binary knows.
    ///
    /// # Errors
    /// When the server cannot be reached, or the schema is missing, older or newer.
    pub async fn open(endpoint: Endpoint) -> Result<Self, ControlPlaneError> {
        let pool = postgres::pool(&endpoint, Purpose::query("command"), POOL_SIZE);
        let mut connection = acquire(&pool, &endpoint).await?;
        let found: Result<(Option<i32>, Uuid), _> = sqlx::query_as(
            "SELECT (SELECT max(version) FROM control_plane.schema_history), control_plane_id \
             FROM control_plane.identity",
        )
        .fetch_one(&mut *connection)
        .await;
        drop(connection);
        let (version, id) = match found {
            Ok((version, id)) => (version.unwrap_or(0), id),
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
        let known = set().records().last().map_or(0, |record| record.version.0);
        match version.cmp(&known) {
            std::cmp::Ordering::Less => Err(ControlPlaneError::Outdated { found: version, known }),
            std::cmp::Ordering::Greater => Err(ControlPlaneError::Newer { found: version, known }),
            std::cmp::Ordering::Equal => Ok(Self { endpoint, pool, id }),
        }
    }

    /// Returns the id that is stamped into every tenant's database.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns a session for statements that are each their own transaction.
    ///
    /// # Errors
    /// When no session can be had.
    pub async fn session(&self) -> Result<PoolConnection<Postgres>, ControlPlaneError> {
        Ok(acquire(&self.pool, &self.endpoint).await?)
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

/// Commits, and says what the transaction was for when that fails.
pub(super) async fn acquire(
    pool: &pool::Pool<Postgres>,
    endpoint: &Endpoint,
) -> Result<PoolConnection<Postgres>, PgError> {
    let mut connection = pool.acquire().await.map_err(|error| PgError::Connect {
        target: format!("the control plane {endpoint}"),
        fault: Box::new(error.into()),
    })?;
    connection.shrink_buffers();
    Ok(connection)
}

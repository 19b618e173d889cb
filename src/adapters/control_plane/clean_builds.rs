//! `control_plane.clean_builds`: what a database looks like that nobody touched since it was made.

use sqlx::postgres::PgConnection;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};

type Result<T> = std::result::Result<T, ControlPlaneError>;

row! {
    /// A clean build's catalog.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct CleanBuild {
        pub(crate) digest: String,
        /// The objects as their reader wrote them.
        pub(crate) objects: serde_json::Value,
    }
}

/// Returns the clean build that is recorded under this key.
pub(crate) async fn find_clean_build(
    connection: &mut PgConnection,
    key: &str,
) -> Result<Option<CleanBuild>> {
    let found =
        sqlx::query_as("SELECT digest, objects FROM control_plane.clean_builds WHERE key = $1")
            .bind(key)
            .fetch_optional(connection)
            .await
            .map_err(PgError::doing("read the clean build"))?;
    Ok(found)
}

/// Records a clean build; what is recorded already stays.
pub(crate) async fn record_clean_build(
    connection: &mut PgConnection,
    key: &str,
    build: &CleanBuild,
) -> Result<()> {
    sqlx::query(
        r"INSERT INTO control_plane.clean_builds (key, digest, objects) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO NOTHING",
    )
    .bind(key)
    .bind(&build.digest)
    .bind(&build.objects)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the clean build"))?;
    Ok(())
}

/// Returns whether a tenant stands at this schema.
pub(crate) async fn is_stood_at(connection: &mut PgConnection, fingerprint: &str) -> Result<bool> {
    let stands = sqlx::query_scalar(
        r"SELECT EXISTS (SELECT FROM control_plane.tenant_metadata
            WHERE schema_fingerprint = $1 AND status <> 'purged')",
    )
    .bind(fingerprint)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look who stands at a schema"))?;
    Ok(stands)
}

//! How many tenants stand so that somebody has to look at them, in one query.

use sqlx::postgres::PgConnection;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};

row! {
    /// What a monitor wants to know of all tenants.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct FleetFacts {
        /// All that are not purged.
        pub tenants: i64,
        pub locked: i64,
        /// Of those, whose newest lockdown was not proved.
        pub unproven: i64,
        /// Active ones whose record is not that of our migrations; nothing where those are not known.
        pub behind: Option<i64>,
        /// Deleted ones whose grace is over.
        pub due: i64,
        pub quarantined: i64,
    }
}

/// Counts them; `fingerprint` is that of our migrations.
pub(crate) async fn fleet_facts(
    connection: &mut PgConnection,
    fingerprint: Option<&str>,
) -> Result<FleetFacts, ControlPlaneError> {
    let facts = sqlx::query_as(
        r"SELECT count(*) AS tenants,
            count(*) FILTER (WHERE locked_at IS NOT NULL) AS locked,
            count(*) FILTER (WHERE locked_at IS NOT NULL AND lock_proven_at IS NULL) AS unproven,
            CASE WHEN $1::text IS NOT NULL THEN count(*) FILTER (
                WHERE status = 'active' AND schema_fingerprint IS DISTINCT FROM $1) END AS behind,
            count(*) FILTER (WHERE status = 'purging' OR status = 'deleted' AND purge_after <= now())
                AS due,
            count(*) FILTER (WHERE quarantined_at IS NOT NULL) AS quarantined
        FROM control_plane.tenant_metadata WHERE status <> 'purged'",
    )
    .bind(fingerprint)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the tenants"))?;
    Ok(facts)
}

//! What an operator calls a tenant and sorts it by, in `control_plane.tenant_metadata`.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::TenantId;

#[derive(Debug)]
pub(crate) struct Properties<'a> {
    pub name: &'a str,
    pub plan: Option<&'a str>,
    pub labels: &'a BTreeMap<String, String>,
}

/// Writes a tenant's properties where they differ.
pub(crate) async fn set_properties(
    connection: &mut PgConnection,
    id: TenantId,
    properties: &Properties<'_>,
) -> Result<(), ControlPlaneError> {
    sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET name = $2, plan = $3, labels = $4
        WHERE tenant_id = $1 AND (name, plan, labels) IS DISTINCT FROM ($2, $3, $4)",
    )
    .bind(id.0)
    .bind(properties.name)
    .bind(properties.plan)
    .bind(Json(properties.labels))
    .execute(connection)
    .await
    .map_err(PgError::doing("update the tenant"))?;
    Ok(())
}

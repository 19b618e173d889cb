//! What a tenant leaves on the server and in the control plane.

use super::{Operator, server};

/// Returns what a command could have changed: records, journal, trail and the world.
pub(crate) fn traces(operator: &Operator) -> (i64, i64, i64, i64, i64) {
    let mut plane = operator.plane();
    let mut count =
        |table: &str| plane.value(&format!("SELECT count(*) FROM control_plane.{table}"));
    let rows = (count("tenant_metadata"), count("operations"), count("policy_sync_log"));
    let id: String = plane.value("SELECT control_plane_id::text FROM control_plane.identity");
    let mut cluster = server().operator("postgres");
    let mut stamped = |catalog: &str, kind: &str| {
        cluster.value(&format!(
            "SELECT count(*) FROM {catalog} c WHERE shobj_description(c.oid, '{kind}') LIKE '%{id}%'"
        ))
    };
    let world = (stamped("pg_database", "pg_database"), stamped("pg_roles", "pg_authid"));
    (rows.0, rows.1, rows.2, world.0, world.1)
}

pub(crate) fn field<'v>(ran: &'v serde_json::Value, path: &str) -> &'v serde_json::Value {
    ran.pointer(path).unwrap_or_else(|| panic!("no {path} in {ran}"))
}

//! What must be true after anything, whatever was killed on the way.

use super::{Operator, PATIENCE, server, until};

/// The stamp in a comment: the control plane it names, when it is one of ours.
const STAMPED: &str = "CASE WHEN comment LIKE '{\"tenantctl\":%' \
     THEN comment::jsonb -> 'tenantctl' ->> 'control_plane_id' END";

impl Operator {
    /// Asserts that records and world agree, nothing is left over, and the audit trail is whole.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        self.assert_world_is_recorded();
        self.assert_operations_ended();
        let _ran = self.run("audit verify").success();
        self.assert_nobody_is_left();
    }

    /// Every live tenant has exactly one database and one login, both stamped as its own, and
    /// nothing else carries this control plane's stamp.
    #[track_caller]
    fn assert_world_is_recorded(&self) {
        let mut plane = self.plane();
        let id: String = plane.value("SELECT control_plane_id::text FROM control_plane.identity");
        let recorded: Vec<(String, String)> = plane.rows(
            "SELECT database_name, tenant_id::text FROM control_plane.tenant_metadata \
             WHERE status <> 'purged' ORDER BY 1",
        );
        let mut cluster = server().operator("postgres");
        for (catalog, name, kind) in
            [("pg_database", "datname", "pg_database"), ("pg_roles", "rolname", "pg_authid")]
        {
            let stamped: Vec<(String, String)> = cluster.rows(&format!(
                "SELECT name, comment::jsonb -> 'tenantctl' ->> 'tenant_id' FROM ( \
                   SELECT {name}::text AS name, shobj_description(oid, '{kind}') AS comment \
                   FROM {catalog} ) c WHERE {STAMPED} = '{id}' ORDER BY 1"
            ));
            assert_eq!(stamped, recorded, "stamped in {catalog}, and recorded");
        }
        for purged in self.purged_databases() {
            let left: i64 = cluster.value(&format!(
                "SELECT (SELECT count(*) FROM pg_database WHERE datname::text = '{purged}') \
                 + (SELECT count(*) FROM pg_roles WHERE rolname::text = '{purged}')"
            ));
            assert_eq!(left, 0, "of the purged {purged}");
        }
    }

    fn purged_databases(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self.plane().rows(
            "SELECT database_name FROM control_plane.tenant_metadata WHERE status = 'purged'",
        );
        rows.into_iter().map(|(name,)| name).collect()
    }

    /// No operation stands open, and each that is done has its intent and its outcome in the audit
    /// trail.
    #[track_caller]
    fn assert_operations_ended(&self) {
        let open: Vec<(String, String, Option<String>)> = self.plane().rows(
            "SELECT kind, step, last_error FROM control_plane.operations \
             WHERE finished_at IS NULL",
        );
        assert_eq!(open, [], "operations that stand open");
        let untold: Vec<(String, i64, i64)> = self.plane().rows(
            "SELECT kind, intents, outcomes FROM ( SELECT kind, \
               (SELECT count(*) FROM control_plane.policy_sync_log l \
                WHERE l.operation_id = o.operation_id AND outcome = 'intent') AS intents, \
               (SELECT count(*) FROM control_plane.policy_sync_log l \
                WHERE l.operation_id = o.operation_id AND outcome = 'done') AS outcomes \
             FROM control_plane.operations o WHERE state = 'done') c \
             WHERE intents = 0 OR outcomes <> 1",
        );
        assert_eq!(untold, [], "operations the audit trail does not tell");
    }

    /// No session and no lock of ours outlives its command for long.
    #[track_caller]
    fn assert_nobody_is_left(&self) {
        let mut names = vec![self.plane_name().to_owned()];
        let rows: Vec<(String,)> = self.plane().rows(
            "SELECT database_name FROM control_plane.tenant_metadata WHERE status <> 'purged'",
        );
        names.extend(rows.into_iter().map(|(name,)| name));
        let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let mut superuser = server().superuser("postgres");
        until("sessions of ended commands to be gone", PATIENCE, || {
            let left: Vec<(String, String)> = superuser.rows(&format!(
                "SELECT datname::text, application_name FROM pg_stat_activity \
                 WHERE datname::text IN ({list}) AND application_name LIKE 'tenantctl/%'"
            ));
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        });
        let locks: i64 = superuser.value(&format!(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE l.locktype = 'advisory' AND d.datname::text IN ({list})"
        ));
        assert_eq!(locks, 0, "advisory locks nobody should hold");
    }
}

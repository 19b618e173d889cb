-- The audit trail. Each row's hash covers the row before it, so a changed, removed or reordered
-- row shows. The head row carries the newest hash: without it a cut tail would not show.
CREATE TABLE control_plane.policy_sync_log (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (octet_length(actor) BETWEEN 1 AND 256),
    action text NOT NULL CHECK (octet_length(action) BETWEEN 1 AND 64),
    tenant_id uuid,
    target text CHECK (octet_length(target) <= 256),
    reason text CHECK (octet_length(reason) <= 2000),
    detail jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(detail::text) <= 65536),
    outcome text NOT NULL CHECK (outcome IN ('intent', 'done', 'failed', 'unchanged')),
    operation_id uuid,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX policy_sync_log_tenant_idx ON control_plane.policy_sync_log (tenant_id, id);
CREATE INDEX policy_sync_log_operation_idx ON control_plane.policy_sync_log (operation_id, id);

CREATE TABLE control_plane.policy_sync_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_id bigint NOT NULL,
    last_hash bytea NOT NULL
);
INSERT INTO control_plane.policy_sync_head (last_id, last_hash)
    VALUES (0, sha256('tenantctl policy_sync_log'::bytea));

-- The owner keeps INSERT and SELECT only: an UPDATE by a careless statement is refused before any
-- trigger. An owner who takes the privilege back and disables the trigger still breaks the chain.
REVOKE UPDATE, DELETE, TRUNCATE ON control_plane.policy_sync_log FROM CURRENT_USER;

COMMENT ON TABLE control_plane.policy_sync_log IS
    'The audit trail: append-only, each row hash-chained to the one before it.';

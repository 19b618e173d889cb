-- The gate: whose database this is, and whether access to it is allowed. It stands beside the
-- product's tables and not in the control plane, because a stolen token can be used directly
-- against this database, and only what stands here can refuse it then.
CREATE SCHEMA IF NOT EXISTS tenantctl;
COMMENT ON SCHEMA tenantctl IS
    'Kept by tenantctl: whose database this is, and whether access to it is allowed.';
REVOKE ALL ON SCHEMA tenantctl FROM PUBLIC;

-- Postgres lets PUBLIC execute every new function. What the migration role creates in this database
-- from now on is closed until a role is granted it.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Which text of the functions is installed (`migrations/functions/gate`), and by which tenantctl.
-- Written in the transaction that replaces them.
CREATE TABLE tenantctl.functions (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    checksum text NOT NULL,
    installed_by text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenantctl.functions IS
    'One row: the checksum of the installed functions, and the tenantctl that installed them.';

CREATE TABLE tenantctl.identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    tenant_id uuid NOT NULL,
    slug text NOT NULL,
    control_plane_id uuid NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenantctl.identity IS
    'One row, stamped when the database is created. Without it every access is refused, and only a '
    'database whose stamp names the tenant is ever dropped.';

CREATE TABLE tenantctl.gate (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    locked boolean NOT NULL DEFAULT false,
    lock_reason text,
    epoch bigint NOT NULL DEFAULT 1 CHECK (epoch > 0),
    sessions_not_before timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenantctl.gate IS
    'One row. locked refuses every access; epoch and sessions_not_before refuse every token that '
    'is older. Without the row every access is refused.';
COMMENT ON COLUMN tenantctl.gate.epoch IS
    'The session epoch of the tenant. A token that carries a smaller tenant_epoch is refused.';
COMMENT ON COLUMN tenantctl.gate.sessions_not_before IS
    'A token without a tenant_epoch is refused when its session did not begin in a later second.';
INSERT INTO tenantctl.gate DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE tenantctl.denied (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti text UNIQUE CHECK (jti <> ''),
    user_id uuid UNIQUE,
    denied_at timestamptz NOT NULL DEFAULT now(),
    -- Null: for as long as nobody takes it back.
    until timestamptz,
    -- A row that named a session and its user would say more than was meant: it would refuse every
    -- session of that user.
    CONSTRAINT denied_session_or_user CHECK (num_nonnulls(jti, user_id) = 1)
);
COMMENT ON TABLE tenantctl.denied IS
    'Sessions (jti or session_id) and users (user_id) that were revoked. The unique keys serve the '
    'look-ups and make a second push harmless.';
COMMENT ON COLUMN tenantctl.denied.denied_at IS
    'A user is refused with every session that began up to the second of this instant, and let in '
    'with a later one. Infinity refuses every session: the user was removed from the tenant.';

CREATE TABLE tenantctl.seed_history (
    set_name text NOT NULL,
    file_name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (set_name, file_name)
);
COMMENT ON TABLE tenantctl.seed_history IS
    'Which seed files were applied here, and with which contents.';

-- The application asks `access_allowed()`; it neither reads nor writes what that reads.
REVOKE ALL ON ALL TABLES IN SCHEMA tenantctl FROM PUBLIC;

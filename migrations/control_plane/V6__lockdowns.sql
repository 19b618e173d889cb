-- One lockdown after the other for each tenant: what was changed to cut it off, so that `unlock`
-- gives back exactly that.
CREATE TABLE control_plane.lockdowns (
    lockdown_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    actor text NOT NULL,
    reason text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How often it was asked for: an unlock that began before the newest of them must not end it.
    cuts integer NOT NULL DEFAULT 1,
    -- Since when, and by whom, what the newest of them cut is given back. From then on none that is
    -- still under way cuts anything more. It stays open until the tenant's gate is, which comes last:
    -- after the commit that lifts the lock.
    lifting_since timestamptz,
    lifting_by text,
    -- The flags of login and database from before (`access`), and which users we banned in Supabase
    -- Auth, with the ban each had before (`banned`, `banned_by_api`,
    -- `banned_in_project`).
    saved jsonb NOT NULL DEFAULT '{}',
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text
);
CREATE UNIQUE INDEX lockdowns_one_open_key
    ON control_plane.lockdowns (tenant_id) WHERE lifted_at IS NULL;

COMMENT ON TABLE control_plane.lockdowns IS
    'What each lockdown changed, so that unlock gives back exactly that.';

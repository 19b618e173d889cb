-- Fleet migrations. A run is what is to be applied to whom; the control plane is the queue that any
-- number of processes work on.
CREATE TABLE control_plane.migration_runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'planned' CHECK (state IN (
        'planned', 'canary', 'rolling', 'paused', 'completed', 'completed_with_failures', 'cancelled')),
    -- Why it is paused or cancelled, and by whom.
    state_reason text,
    state_by text,
    -- The product's migrations up to the target, in order: version, name, checksum.
    migrations jsonb NOT NULL,
    -- Of a database that has them all, the gate's included: who brings others may not take part.
    fingerprint text NOT NULL,
    target bigint,
    seed_set text,
    -- As it was asked for.
    selector jsonb NOT NULL,
    canary text,
    max_failures text,
    -- More failed tenants than this pause it; none when not set.
    failure_limit integer CHECK (failure_limit >= 0),
    -- A hash of what was asked for: the same command takes part in its run while that is open.
    plan_key text NOT NULL,
    actor text NOT NULL,
    reason text,
    -- Its two rows in the audit trail.
    operation_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    -- Failures before it was last resumed pause it no more.
    resumed_at timestamptz,
    finished_at timestamptz,
    CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'completed_with_failures', 'cancelled')))
);
CREATE UNIQUE INDEX migration_runs_one_open_key
    ON control_plane.migration_runs (plan_key) WHERE finished_at IS NULL;

-- A process that takes part. Its leases hold while its session lives and until `lease_until`.
CREATE TABLE control_plane.migration_run_workers (
    worker_id uuid PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES control_plane.migration_runs,
    -- As `machine:process`.
    holder text NOT NULL,
    -- Its session: the process of that role that holds the advisory lock `token`.
    token bigint NOT NULL,
    pid integer NOT NULL,
    role bigint NOT NULL,
    jobs integer NOT NULL,
    lease_until timestamptz NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_at timestamptz
);
CREATE INDEX migration_run_workers_run_idx ON control_plane.migration_run_workers (run_id);

-- A tenant in a run. What it says of a tenant that a killed process had is a hint; the tenant's own
-- history is the truth.
CREATE TABLE control_plane.migration_run_tenants (
    run_id bigint NOT NULL REFERENCES control_plane.migration_runs,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    position integer NOT NULL,
    -- 0 is the canaries, 1 the rest.
    wave smallint NOT NULL CHECK (wave IN (0, 1)),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN (
        'pending', 'leased', 'done', 'unchanged', 'failed', 'skipped')),
    -- How often it was leased: a write with a lower number is refused.
    lease bigint NOT NULL DEFAULT 0,
    worker_id uuid,
    -- Turns that came to an end, whichever.
    attempts integer NOT NULL DEFAULT 0,
    -- It went back to the queue, and has its next turn then.
    not_before timestamptz,
    from_version bigint,
    to_version bigint,
    -- Why it failed, was skipped, or went back.
    cause jsonb,
    -- What was applied to it, in order, each with its milliseconds.
    steps jsonb NOT NULL DEFAULT '[]',
    elapsed_ms bigint,
    lock_wait_ms bigint,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (run_id, tenant_id)
);
CREATE INDEX migration_run_tenants_open_idx ON control_plane.migration_run_tenants (run_id, wave, position)
    WHERE state IN ('pending', 'leased');
CREATE INDEX migration_run_tenants_failed_idx ON control_plane.migration_run_tenants (run_id, finished_at)
    WHERE state = 'failed';

COMMENT ON TABLE control_plane.migration_runs IS
    'A fleet migration: what is applied to whom, by whose order, and how far it is.';
COMMENT ON TABLE control_plane.migration_run_workers IS
    'A process that takes part in a run, or did.';
COMMENT ON TABLE control_plane.migration_run_tenants IS
    'A tenant in a run: whose turn it is, and how that ended.';

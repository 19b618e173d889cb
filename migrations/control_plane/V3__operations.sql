-- The journal of what changes a tenant's existence. An intent is committed here before its effect,
-- its result after it, so a run that was killed anywhere can be continued by the same command.
CREATE TABLE control_plane.operations (
    operation_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    kind text NOT NULL
        CHECK (kind IN ('create', 'delete', 'restore', 'purge', 'rotate', 'adopt')),
    -- What was asked for, in full, and its fingerprint: the same command continues this
    -- operation, another one is a conflict.
    request jsonb NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'done', 'failed', 'superseded')),
    step text NOT NULL,
    intent_at timestamptz NOT NULL DEFAULT now(),
    attempt integer NOT NULL DEFAULT 1,
    -- Raised by the process that takes the operation over; a writer that was suspended and wakes
    -- up late carries the old number and changes nothing.
    lease_epoch bigint NOT NULL DEFAULT 1,
    actor text NOT NULL,
    holder text NOT NULL,
    last_error text,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((state = 'running') = (finished_at IS NULL))
);
CREATE UNIQUE INDEX operations_one_open_key
    ON control_plane.operations (tenant_id) WHERE finished_at IS NULL;
CREATE INDEX operations_tenant_idx ON control_plane.operations (tenant_id, started_at DESC);

-- What each step did and how long it took, one line per attempt.
CREATE TABLE control_plane.operation_steps (
    operation_id uuid NOT NULL REFERENCES control_plane.operations,
    step text NOT NULL,
    attempt integer NOT NULL,
    intent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    outcome text,
    PRIMARY KEY (operation_id, step, attempt)
);

COMMENT ON TABLE control_plane.operations IS
    'The journal of creates, deletes, restores, purges and rotations: step, intent, result.';

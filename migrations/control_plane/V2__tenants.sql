CREATE TABLE control_plane.tenant_metadata (
    tenant_id uuid PRIMARY KEY,
    slug text NOT NULL
        CHECK (slug ~ '^[a-z][a-z0-9-]*[a-z0-9]$' AND octet_length(slug) BETWEEN 2 AND 40),
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 400),
    plan text CHECK (octet_length(plan) BETWEEN 1 AND 63),
    labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    status text NOT NULL DEFAULT 'provisioning'
        CHECK (status IN ('provisioning', 'active', 'deleted', 'purging', 'purged')),
    -- The evidence contradicts the record; no command acts on the tenant until a person decided.
    quarantined_at timestamptz,
    quarantine_reason text,
    placement text NOT NULL CHECK (placement IN ('project', 'database')),
    project_ref text,
    -- Where the project was asked for: only there can it be found again, or be seen to be gone.
    organization text,
    database_name text CHECK (octet_length(database_name) <= 63),
    -- Which database on the recorded server is meant: one that was dropped and made again under the
    -- same name has another oid. Of no use between servers: those made from one image or one backup
    -- share the identifier and the oids, so another identifier tells another server, and the same
    -- one tells nothing. In a project both say nothing, and are not recorded.
    database_oid bigint CHECK (placement = 'database' OR database_oid IS NULL),
    system_identifier text CHECK (placement = 'database' OR system_identifier IS NULL),
    host text,
    port integer CHECK (port BETWEEN 1 AND 65535),
    -- A project's pooler wants the project's ref behind the login's name; its own host does not.
    pooled boolean NOT NULL DEFAULT false,
    region text,
    schema_version bigint,
    schema_fingerprint text,
    sessions_not_before timestamptz,
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    -- A lockdown that holds, in whatever status: since when, by whom and why, and when its newest
    -- run saw every probe refused.
    locked_at timestamptz,
    locked_by text,
    lock_reason text,
    lock_proven_at timestamptz,
    protected boolean NOT NULL DEFAULT false,
    -- Where `tenant restore` brings a deleted tenant back to.
    status_before_delete text
        CHECK (status_before_delete IN ('provisioning', 'active')),
    purge_after timestamptz,
    -- The application's password, sealed (AES-256-GCM, bound to tenant and role), or null when no
    -- key was configured and it was handed over instead of kept.
    credential bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (placement <> 'project' OR database_name IS NULL OR project_ref IS NOT NULL),
    CHECK (num_nonnulls(locked_at, locked_by, lock_reason) IN (0, 3)),
    CHECK (lock_proven_at IS NULL OR locked_at IS NOT NULL),
    CHECK ((status = 'deleted') <= (deleted_at IS NOT NULL AND purge_after IS NOT NULL))
);

-- A purged tenant's row stays for ever: its slug is free again, its id never.
CREATE UNIQUE INDEX tenant_metadata_slug_key
    ON control_plane.tenant_metadata (slug) WHERE status <> 'purged';
CREATE UNIQUE INDEX tenant_metadata_project_ref_key
    ON control_plane.tenant_metadata (project_ref)
    WHERE project_ref IS NOT NULL AND status <> 'purged';
CREATE UNIQUE INDEX tenant_metadata_database_key
    ON control_plane.tenant_metadata (database_name)
    WHERE database_name IS NOT NULL AND placement = 'database' AND status <> 'purged';
CREATE INDEX tenant_metadata_status_idx ON control_plane.tenant_metadata (status, slug);
CREATE INDEX tenant_metadata_labels_idx
    ON control_plane.tenant_metadata USING gin (labels jsonb_path_ops);
CREATE INDEX tenant_metadata_locked_idx
    ON control_plane.tenant_metadata (slug) WHERE locked_at IS NOT NULL;
CREATE INDEX tenant_metadata_purge_after_idx
    ON control_plane.tenant_metadata (purge_after) WHERE status = 'deleted';

COMMENT ON TABLE control_plane.tenant_metadata IS
    'Every tenant: who it is, where its database lives, and whether access is allowed.';

-- One row says which control plane this is. Its id is stamped into every tenant database, so that
-- two control planes sharing one cluster never mistake each other's tenants for their own.
CREATE TABLE control_plane.identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    control_plane_id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO control_plane.identity DEFAULT VALUES;

CREATE TABLE control_plane.tenant_metadata (
    tenant_id uuid PRIMARY KEY,
    slug text NOT NULL
        CHECK (slug ~ '^[a-z][a-z0-9-]*[a-z0-9]$' AND octet_length(slug) BETWEEN 2 AND 40),
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 400),
    plan text CHECK (octet_length(plan) BETWEEN 1 AND 63),
    labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    status text NOT NULL DEFAULT 'provisioning'
        CHECK (status IN ('provisioning', 'active', 'locked', 'deleted', 'purging', 'purged')),
    -- The evidence contradicts the record; nobody touches the tenant until a person decided.
    quarantined_at timestamptz,
    quarantine_reason text,
    placement text NOT NULL CHECK (placement IN ('project', 'database')),
    project_ref text,
    database_name text CHECK (octet_length(database_name) <= 63),
    -- Name, oid and server together say which database is meant: a database that was dropped and
    -- made again under the same name has another oid, a restored server another identifier.
    database_oid bigint,
    system_identifier text,
    host text,
    port integer CHECK (port BETWEEN 1 AND 65535),
    region text,
    schema_version integer,
    schema_fingerprint text,
    sessions_not_before timestamptz,
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    locked_at timestamptz,
    lock_reason text,
    protected boolean NOT NULL DEFAULT false,
    -- Where `tenant restore` brings a deleted tenant back to.
    status_before_delete text
        CHECK (status_before_delete IN ('provisioning', 'active', 'locked')),
    purge_after timestamptz,
    -- The application's password, sealed (AES-256-GCM, bound to tenant and role), or null when no
    -- key was configured and it was handed over instead of kept.
    credential bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (placement <> 'project' OR database_name IS NULL OR project_ref IS NOT NULL),
    CHECK ((status = 'locked') <= (locked_at IS NOT NULL)),
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
CREATE UNIQUE INDEX tenant_metadata_database_oid_key
    ON control_plane.tenant_metadata (system_identifier, database_oid)
    WHERE database_oid IS NOT NULL AND status <> 'purged';
CREATE INDEX tenant_metadata_status_idx ON control_plane.tenant_metadata (status, slug);
CREATE INDEX tenant_metadata_labels_idx
    ON control_plane.tenant_metadata USING gin (labels jsonb_path_ops);
CREATE INDEX tenant_metadata_purge_after_idx
    ON control_plane.tenant_metadata (purge_after) WHERE status = 'deleted';

-- The life of a tenant, held here as well as in the code: whoever edits by hand meets it too.
CREATE FUNCTION control_plane.guard_tenant_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a tenant''s row is never removed' USING ERRCODE = '23514',
            HINT = 'tenantctl tenant delete ends a tenant''s life; its row stays as a tombstone';
    END IF;
    IF NEW.tenant_id <> OLD.tenant_id THEN
        RAISE EXCEPTION 'a tenant''s id never changes' USING ERRCODE = '23514';
    END IF;
    IF NEW.session_epoch < OLD.session_epoch THEN
        RAISE EXCEPTION 'a session epoch is never lowered' USING ERRCODE = '23514';
    END IF;
    IF NEW.status <> OLD.status AND NOT (OLD.status, NEW.status) IN (
        ('provisioning', 'active'), ('provisioning', 'deleted'),
        ('active', 'locked'), ('locked', 'active'),
        ('active', 'deleted'), ('locked', 'deleted'),
        ('deleted', 'provisioning'), ('deleted', 'active'), ('deleted', 'locked'),
        ('deleted', 'purging'), ('purging', 'purged')
    ) THEN
        RAISE EXCEPTION 'a tenant does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = '23514';
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER guard_tenant_change BEFORE UPDATE OR DELETE ON control_plane.tenant_metadata
    FOR EACH ROW EXECUTE FUNCTION control_plane.guard_tenant_change();

COMMENT ON TABLE control_plane.tenant_metadata IS
    'Every tenant: who it is, where its database lives, and whether access is allowed.';

-- The life of a tenant, held here as well as in the code: an UPDATE by hand meets the same rules.
CREATE OR REPLACE FUNCTION control_plane.guard_tenant_change() RETURNS trigger
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
        ('active', 'deleted'), ('deleted', 'provisioning'), ('deleted', 'active'),
        ('deleted', 'purging'), ('purging', 'purged')
    ) THEN
        RAISE EXCEPTION 'a tenant does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = '23514';
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;

-- A trigger is made once: to replace it would lock its table against every login in flight.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = 'control_plane.tenant_metadata'::regclass
            AND tgname = 'guard_tenant_change')
    THEN
        CREATE TRIGGER guard_tenant_change
            BEFORE UPDATE OR DELETE ON control_plane.tenant_metadata
            FOR EACH ROW EXECUTE FUNCTION control_plane.guard_tenant_change();
    END IF;
END $$;

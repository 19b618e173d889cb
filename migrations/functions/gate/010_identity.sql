CREATE OR REPLACE FUNCTION tenantctl.keep_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- A slug may be given away again and a tenant may be renamed; whose database this is, and which
    -- control plane knows it, never changes.
    IF TG_OP = 'UPDATE' THEN
        IF NEW.tenant_id = OLD.tenant_id AND NEW.control_plane_id = OLD.control_plane_id THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the identity of a tenant database cannot be changed or removed'
        USING ERRCODE = 'restrict_violation',
              HINT = 'A database that belongs to another tenant is another database.';
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = 'tenantctl.identity'::regclass AND tgname = 'identity_is_kept')
    THEN
        CREATE TRIGGER identity_is_kept BEFORE UPDATE OR DELETE ON tenantctl.identity
            FOR EACH ROW EXECUTE FUNCTION tenantctl.keep_identity();
        CREATE TRIGGER identity_is_not_truncated BEFORE TRUNCATE ON tenantctl.identity
            FOR EACH STATEMENT EXECUTE FUNCTION tenantctl.keep_identity();
    END IF;
END $$;

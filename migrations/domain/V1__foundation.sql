-- What every table of the product relies on.
--
-- Every table follows the same rules; `tenantctl.protect` gives it its policies, grants and
-- trigger:
--
--   * PRIMARY KEY (tenant_id, id): row level security turns WHERE id = $1 into
--     WHERE tenant_id = ... AND id = $1, which this key answers with one index; the same key is
--     what composite foreign keys point at; and a duplicate id of another tenant can neither
--     collide nor be noticed.
--   * Foreign keys carry tenant_id, because referential checks ignore row level security: without
--     it a row could point at a row of another tenant.
--   * created_by is the auth user (a uuid, as in the sub claim) who made the row; NULL is the
--     system itself: a migration, a seed, an import.

GRANT USAGE ON SCHEMA public TO tenantctl_app;

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticated') THEN
        GRANT USAGE ON SCHEMA public TO authenticated;
    END IF;
END $$;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- The instant of the change, not of its transaction: two changes in one transaction can be told
    -- apart.
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION public.touch_updated_at() IS
    'Keeps updated_at, whatever the statement says about it.';

CREATE FUNCTION public.keep_status_forward() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    path CONSTANT text[] := ARRAY['draft', 'confirmed', 'shipped', 'delivered'];
    stands integer := array_position(path, OLD.status);
    goes_to integer := array_position(path, NEW.status);
    rule text;
BEGIN
    IF OLD.status IN ('cancelled', 'delivered') THEN
        rule := OLD.status || ' is final';
    ELSIF goes_to < stands THEN
        rule := 'an order only moves forward';
    ELSE
        -- Steps may be skipped, and an order may be cancelled until it is delivered. A word that is
        -- no status at all is refused by the table's own check.
        RETURN NEW;
    END IF;

    RAISE EXCEPTION '% % cannot go from % to %: %',
            TG_TABLE_NAME, OLD.id, OLD.status, NEW.status, rule
        USING ERRCODE = 'check_violation',
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'status',
              CONSTRAINT = TG_NAME,
              HINT = 'The order of things is draft, confirmed, shipped, delivered; cancelled ends '
                  'an order before delivery.';
END $$;
COMMENT ON FUNCTION public.keep_status_forward() IS
    'Refuses a status change that goes backwards or leaves delivered or cancelled.';

-- A platform may give every new function of this schema to its API roles by default.
DO $$
DECLARE
    api_role name;
BEGIN
    REVOKE ALL ON FUNCTION public.touch_updated_at(), public.keep_status_forward() FROM PUBLIC;
    FOR api_role IN
        SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION public.touch_updated_at(),
            public.keep_status_forward() FROM %I', api_role);
    END LOOP;
END $$;

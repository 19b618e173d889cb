-- Gives the applications these privileges on a table or view, and no others; no other role any.
-- Where Supabase's Data API works as `authenticated`, that role is an application like any other.
-- Requests without a user (`anon`) get nothing.
CREATE OR REPLACE FUNCTION tenantctl.grant_to_applications(target regclass, privileges text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    application text;
BEGIN
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', target);
    FOREACH application IN ARRAY ARRAY['tenantctl_app', 'authenticated'] LOOP
        -- Without its own application the product is of no use: a missing tenantctl_app is an
        -- error, a missing authenticated is another platform.
        CONTINUE WHEN application = 'authenticated'
            AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = application);
        EXECUTE format('REVOKE ALL ON %s FROM %I', target, application);
        EXECUTE format('GRANT %s ON %s TO %I', privileges, target, application);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'anon') THEN
        EXECUTE format('REVOKE ALL ON %s FROM anon', target);
    END IF;
END $$;
COMMENT ON FUNCTION tenantctl.grant_to_applications(regclass, text) IS
    'Gives the applications these privileges on a table or view, and no others.';

-- Makes a table of the product the tenant's own: row level security, enabled and forced, that binds
-- the owner as well; the rows of the current tenant and no others; the gate asked once for each
-- statement; `updated_at` kept; and the application's grants, on `columns` where they are named,
-- else on the whole table. It may be run again.
--
--   * own_tenant (permissive) grants the rows of the current tenant.
--   * gate_open (restrictive) asks the gate and repeats the comparison, because permissive policies
--     are OR-ed: one more of them, added carelessly, widens what own_tenant allows but never what
--     gate_open allows.
--   * The tenant of a row cannot change: WITH CHECK admits the current tenant only, and the gate
--     admits no current tenant but the one of this database.
CREATE OR REPLACE FUNCTION tenantctl.protect(target regclass, columns text[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ours CONSTANT text := 'tenant_id = (SELECT tenantctl.current_tenant())';
    open CONSTANT text := '(SELECT tenantctl.access_allowed()) AND ' || ours;
    touch CONSTANT text := (SELECT c.relname FROM pg_class c WHERE c.oid = target) || '_touch';
    listed CONSTANT text := coalesce(
        (SELECT '(' || string_agg(quote_ident(c), ', ') || ')' FROM unnest(columns) c), '');
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('DROP POLICY IF EXISTS own_tenant ON %s', target);
    EXECUTE format('CREATE POLICY own_tenant ON %s AS PERMISSIVE FOR ALL
        USING (%s) WITH CHECK (%2$s)', target, ours);
    EXECUTE format('DROP POLICY IF EXISTS gate_open ON %s', target);
    EXECUTE format('CREATE POLICY gate_open ON %s AS RESTRICTIVE FOR ALL
        USING (%s) WITH CHECK (%2$s)', target, open);
    IF to_regprocedure('public.touch_updated_at()') IS NOT NULL AND EXISTS (
        SELECT FROM pg_attribute a
        WHERE a.attrelid = target AND a.attname = 'updated_at' AND NOT a.attisdropped)
    THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s
            FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()', touch, target);
    END IF;
    PERFORM tenantctl.grant_to_applications(target,
        format('SELECT %1$s, INSERT %1$s, UPDATE %1$s, DELETE', listed));
END $$;
COMMENT ON FUNCTION tenantctl.protect(regclass, text[]) IS
    'Gives a table the tenant''s policies, the application''s grants and the updated_at trigger.';

-- Who may call what. Supabase's Data API works as `authenticated`; where that role exists it is an
-- application like any other. Requests without a user (`anon`) have no business here.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenantctl FROM PUBLIC;
DO $$
DECLARE
    application text;
BEGIN
    FOREACH application IN ARRAY ARRAY['tenantctl_app', 'authenticated'] LOOP
        CONTINUE WHEN application = 'authenticated'
            AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = application);
        EXECUTE format('GRANT USAGE ON SCHEMA tenantctl TO %I', application);
        EXECUTE format('GRANT EXECUTE ON FUNCTION tenantctl.request_claims(),
            tenantctl.tenant_with_claims(uuid, jsonb), tenantctl.current_tenant(),
            tenantctl.access_allowed() TO %I', application);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'anon') THEN
        REVOKE ALL ON SCHEMA tenantctl FROM anon;
        REVOKE ALL ON ALL TABLES IN SCHEMA tenantctl FROM anon;
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenantctl FROM anon;
    END IF;
END $$;

-- A web backend that only asks whether a session or token is valid gets this role and nothing else.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantctl_checker') THEN
        CREATE ROLE tenantctl_checker NOLOGIN NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- Another control plane on this server made it in the same moment.
    NULL;
END $$;

-- Who may call what. `init` runs it every time: Supabase's roles may come later than we do. The
-- hook is Auth's to call and the check the Data API's, as any role a request can have.
CREATE OR REPLACE FUNCTION control_plane.grant_to_callers() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text;
    callers CONSTANT jsonb := '{
        "tenantctl_checker": ["session_state(text)", "is_session_valid(text)",
            "claims_state(jsonb)", "are_claims_valid(jsonb)"],
        "supabase_auth_admin": ["custom_access_token_hook(jsonb)"],
        "anon": ["check_request()"], "authenticated": ["check_request()"],
        "service_role": ["check_request()"]}';
    callable text;
BEGIN
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA control_plane FROM PUBLIC;
    FOR caller IN SELECT r.rolname FROM pg_roles r WHERE callers ? r.rolname::text LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA control_plane TO %I', caller);
        FOR callable IN SELECT jsonb_array_elements_text(callers -> caller) LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION control_plane.%s TO %I', callable, caller);
        END LOOP;
    END LOOP;
END $$;
SELECT control_plane.grant_to_callers();

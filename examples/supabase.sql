-- Switches on what `tenantctl init` has installed in schema `control_plane` of a Supabase project.
-- Run it once in the project that holds the control plane, as `postgres` (the SQL editor does).
-- It may be run again; every line can be taken back by the one beside it.

-- 1. The custom access token hook: `jti`, `app_metadata.tenant_id` and `tenant_epoch` go into every
--    token, each session is recorded, and locked tenants and revoked sessions get no token, on
--    refresh either. Grants are in place (run `tenantctl init` again if Auth came later). Auth itself
--    is told in the dashboard (Authentication > Hooks > Custom Access Token) or over the Management
--    API:
--
--      curl -X PATCH https://api.supabase.com/v1/projects/$REF/config/auth \
--        -H "Authorization: Bearer $SUPABASE_ACCESS_TOKEN" -H 'Content-Type: application/json' -d '{
--          "hook_custom_access_token_enabled": true,
--          "hook_custom_access_token_uri":
--            "pg-functions://postgres/control_plane/custom_access_token_hook"}'
--
--    Does Auth reach it with the grants it has? Nobody but Auth may become its role, so the grants
--    are looked at; this must not raise an error:
DO $$ BEGIN
    IF NOT has_schema_privilege('supabase_auth_admin', 'control_plane', 'USAGE')
        OR NOT has_function_privilege('supabase_auth_admin',
            'control_plane.custom_access_token_hook(jsonb)', 'EXECUTE')
    THEN
        RAISE EXCEPTION 'Auth may not call the hook' USING HINT = 'Run tenantctl init again.';
    END IF;
END $$;

-- 2. What ends in Auth ends here: signing out, a password change, a deleted or banned user, a claim that
--    was taken away. `tenantctl init` made a trigger on each of two tables; this must not raise an error.
--    To take one back: DROP TRIGGER tenantctl_sessions_ended ON auth.sessions, as the table's owner, or
--    DROP FUNCTION control_plane.auth_sessions_ended() CASCADE, as ours.
DO $$ BEGIN
    IF (SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'D'
        AND (tgrelid, tgname) IN (('auth.sessions'::regclass, 'tenantctl_sessions_ended'),
            ('auth.users'::regclass, 'tenantctl_user_changed'))) < 2
    THEN
        RAISE EXCEPTION 'the triggers on Auth''s tables are missing'
            USING HINT = 'Run tenantctl init again.';
    END IF;
END $$;

-- 3. The check before every request of the Data API: a revoked token is answered with 401 at once,
--    not when it expires. To take it back: RESET pgrst.db_pre_request.
ALTER ROLE authenticator SET pgrst.db_pre_request = 'control_plane.check_request';
NOTIFY pgrst, 'reload config';

-- 4. Sessions from before the hook are not recorded. Until the last of their tokens has run out
--    (`jwt_exp`, an hour unless you changed it), let them pass where nothing speaks against them.
--    What speaks against one: a mark on its user or tenant later than the session's beginning, a lock,
--    the end of the session in Auth, and that an operator removed the user from the tenant.
--    A project that never switches the hook on keeps it that way: revoking a user or a tenant works
--    all the same.
UPDATE control_plane.settings SET unrecorded_passes = true WHERE only_row;
--    Afterwards:
-- UPDATE control_plane.settings SET unrecorded_passes = false WHERE only_row;

--    Self-hosted, with Auth on a machine whose clock may be ahead of the database's by so much:
-- UPDATE control_plane.settings SET clock_skew = '2 seconds' WHERE only_row;

-- 5. A login for the web application that can ask whether somebody may go on, and nothing else.
--    Set its password with \password, not here.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'web_checker') THEN
        CREATE ROLE web_checker LOGIN CONNECTION LIMIT 20;
    END IF;
END $$;
GRANT tenantctl_checker TO web_checker;

-- 6. Realtime and Storage do not know the check of step 3. Tables of your own in this database can
--    ask by a restrictive policy, once a statement:
--
--      CREATE POLICY not_revoked ON public.your_table AS RESTRICTIVE TO authenticated
--        USING ((SELECT control_plane.are_claims_valid(auth.jwt())));
--
--    with: GRANT EXECUTE ON FUNCTION control_plane.are_claims_valid(jsonb) TO authenticated;

-- What Supabase Auth ends is ended here by the same commit: triggers on its tables, made by `init`.
-- Auth's own statement never fails by us and waits for us half a second at most; what was missed so
-- is found by `session prune`, which compares. A change of our own says so in its transaction
-- (`tenantctl.own_change`) and passes.

-- After rows of auth.sessions are deleted: signing out, the other sessions after a password change,
-- a deleted user.
CREATE OR REPLACE FUNCTION control_plane.auth_sessions_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
BEGIN
    IF coalesce(current_setting('tenantctl.own_change', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    -- In the order of their ids, so that two sign-outs never wait for each other.
    UPDATE control_plane.sessions s SET signed_out_at = clock_timestamp()
        FROM (SELECT p.jti FROM control_plane.sessions p JOIN ended e ON p.session_id = e.id::text
            WHERE p.signed_out_at IS NULL ORDER BY p.jti FOR UPDATE OF p) parts
        WHERE s.jti = parts.jti;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'tenantctl did not note sessions that ended: %', SQLERRM;
    RETURN NULL;
END $$;

-- After a row of auth.users was banned, or lost `app_metadata.tenant_id`. A ban is a revocation of
-- the user, for good: what was issued before stays dead when the ban ends. The claim taken away
-- ends the user's sessions in that tenant; a claim that names another tenant is a switch and ends
-- nothing.
CREATE OR REPLACE FUNCTION control_plane.auth_user_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
    before uuid := control_plane.claim_uuid(OLD.raw_app_meta_data -> 'tenant_id');
    epoch bigint;
BEGIN
    IF coalesce(current_setting('tenantctl.own_change', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    IF NEW.banned_until > greatest(OLD.banned_until, clock_timestamp()) THEN
        INSERT INTO control_plane.user_marks AS m (auth_user_id, sessions_not_before)
            VALUES (NEW.id, clock_timestamp())
            ON CONFLICT (auth_user_id) DO UPDATE SET session_epoch = m.session_epoch + 1,
                sessions_not_before = greatest(m.sessions_not_before, clock_timestamp())
            RETURNING m.session_epoch INTO epoch;
        INSERT INTO control_plane.epochs (user_id, number, act, actor, reason)
            VALUES (NEW.id, epoch, 'revoke', 'Supabase Auth', 'banned in Supabase Auth');
    END IF;
    IF before IS NOT NULL AND NEW.raw_app_meta_data ->> 'tenant_id' IS NULL THEN
        INSERT INTO control_plane.user_mappings AS m
                (auth_user_id, tenant_id, session_epoch, sessions_not_before)
            SELECT NEW.id, t.tenant_id, 2, clock_timestamp() FROM control_plane.tenant_metadata t
            WHERE t.tenant_id = before
            ON CONFLICT (auth_user_id, tenant_id) DO UPDATE
                SET session_epoch = m.session_epoch + 1,
                    sessions_not_before = greatest(m.sessions_not_before, clock_timestamp()),
                    member_by = nullif(m.member_by, 'auth')
            RETURNING m.session_epoch INTO epoch;
        IF FOUND THEN
            INSERT INTO control_plane.epochs (tenant_id, user_id, number, act, actor, reason)
                VALUES (before, NEW.id, epoch, 'remove', 'Supabase Auth',
                    'app_metadata.tenant_id was taken away in Supabase Auth');
        END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'tenantctl did not note the change of a user: %', SQLERRM;
    RETURN NULL;
END $$;

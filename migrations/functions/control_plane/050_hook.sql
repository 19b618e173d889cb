-- Supabase Auth's custom access token hook: puts `jti` and `app_metadata.tenant_id` into the token,
-- records the session, and refuses locked tenants and revoked sessions, on refresh as well. A
-- sign-in has a part in each tenant that it works in, with a `jti` of its own: changing
-- `app_metadata.tenant_id` and refreshing moves to another part, and each can be revoked alone. It
-- has a definer's rights, because its tables hold sealed credentials.
--
-- The tenant is the one that Auth's claim names; without a claim, the one an operator put the user
-- into, if that is one; never what was once recorded here. A user who was removed gets a token
-- without it.
CREATE OR REPLACE FUNCTION control_plane.custom_access_token_hook(event jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims jsonb := event -> 'claims';
    metadata jsonb := CASE WHEN jsonb_typeof(claims -> 'app_metadata') = 'object'
        THEN claims -> 'app_metadata' ELSE '{}' END;
    subject uuid := control_plane.claim_uuid(event -> 'user_id');
    sign_in text := claims ->> 'session_id';
    expiry bigint := control_plane.claim_seconds(claims -> 'exp');
    wanted uuid := control_plane.claim_uuid(metadata -> 'tenant_id');
    word text := 'auth';
    began bigint;
    is_fresh boolean;
    address inet;
    epoch bigint;
    part record;
BEGIN
    IF jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 400, 'message', 'the claims of this token cannot be read'));
    END IF;
    IF wanted IS NULL THEN
        word := 'operator';
        SELECT min(m.tenant_id::text)::uuid INTO wanted FROM control_plane.user_mappings m
            JOIN control_plane.tenant_metadata t USING (tenant_id)
            WHERE m.auth_user_id = subject AND m.member_by = 'operator' AND m.removed_at IS NULL
                AND t.status NOT IN ('deleted', 'purging', 'purged')
            HAVING count(*) = 1;
    ELSIF EXISTS (SELECT FROM control_plane.user_mappings m WHERE m.auth_user_id = subject
        AND m.tenant_id = wanted AND m.removed_at IS NOT NULL)
    THEN
        wanted := NULL;
        claims := claims || jsonb_build_object('app_metadata', metadata - 'tenant_id');
    END IF;
    -- A user who belongs to no tenant gets the token as Auth made it.
    IF wanted IS NULL OR subject IS NULL OR expiry IS NULL
        OR (octet_length(sign_in) BETWEEN 1 AND 255) IS NOT TRUE
    THEN
        RETURN jsonb_build_object('claims', claims);
    END IF;
    SELECT t.session_epoch INTO epoch FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = wanted AND t.status = 'active' AND t.locked_at IS NULL;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'access to this tenant is not allowed'));
    END IF;

    SELECT s.jti, s.state INTO part FROM control_plane.session_states s
        WHERE s.session_id = sign_in AND s.tenant_id = wanted;
    IF NOT FOUND AND NOT EXISTS (
        SELECT FROM control_plane.revoked_sign_ins r WHERE r.session_id = sign_in)
    THEN
        -- Only a sign-in that is fresh, with nothing in `amr` from an earlier second, began under
        -- the epochs of this moment. Anything else may be older than a mark.
        began := control_plane.session_began(claims);
        is_fresh := coalesce(event ->> 'authentication_method', '') <> 'token_refresh'
            AND began = control_plane.claim_seconds(claims -> 'iat')
            AND claims @? '$.amr[*].timestamp';
        BEGIN
            address := (event -> 'metadata' ->> 'ip_address')::inet;
        EXCEPTION WHEN invalid_text_representation THEN
            -- The client's address is worth keeping, not worth refusing a sign-in for.
            address := NULL;
        END;
        PERFORM control_plane.record_session(gen_random_uuid()::text, sign_in, subject, wanted,
            greatest(to_timestamp(expiry) - clock_timestamp(), interval '1 second'), address, NULL,
            jsonb_build_object('method', event ->> 'authentication_method'), word,
            is_fresh IS NOT TRUE, began);
    ELSIF part.state IN ('valid', 'expired') THEN
        UPDATE control_plane.sessions s
            SET expires_at = greatest(s.expires_at, to_timestamp(expiry)),
                last_seen_at = clock_timestamp()
            WHERE s.jti = part.jti AND s.revoked_at IS NULL AND s.signed_out_at IS NULL;
    END IF;
    -- Judged last, so what was revoked, or recorded for another user, meanwhile counts.
    SELECT s.jti INTO part FROM control_plane.session_states s
        WHERE s.session_id = sign_in AND s.tenant_id = wanted AND s.user_id = subject
            AND s.state = 'valid';
    IF NOT FOUND THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'this session was revoked; sign in again'));
    END IF;
    RETURN jsonb_build_object('claims', claims
        || jsonb_build_object('jti', part.jti, 'tenant_epoch', epoch)
        || jsonb_build_object('app_metadata',
            metadata || jsonb_build_object('tenant_id', wanted)));
END $$;

-- PostgREST's pre-request: refuses a request whose token is not valid, with a status of its own.
-- Requests without a token, and those of the service role, are the API's business.
CREATE OR REPLACE FUNCTION control_plane.check_request() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    raw text := nullif(current_setting('request.jwt.claims', true), '');
    claims jsonb;
    state text;
    is_valid boolean;
BEGIN
    IF raw IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        claims := raw::jsonb;
        IF NOT control_plane.is_readable(claims) THEN
            is_valid := false;
        ELSIF coalesce(claims ->> 'role', 'anon') IN ('anon', 'service_role') THEN
            is_valid := true;
        ELSE
            state := control_plane.claims_state(claims);
            -- Whoever belongs to no tenant has none of its rows to lose: they sign up, accept an
            -- invitation, found a company.
            is_valid := state IN ('valid', 'no_tenant') OR (state = 'unrecorded'
                AND (SELECT c.unrecorded_passes FROM control_plane.settings c));
        END IF;
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
        is_valid := false;
    END;
    IF is_valid IS NOT TRUE THEN
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = '{"code":"session_revoked","message":"This session is not valid."}',
            DETAIL = '{"status":401,"headers":{}}';
    END IF;
END $$;

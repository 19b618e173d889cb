-- Supabase Auth's custom access token hook: puts `jti` and `app_metadata.tenant_id` into the token,
-- records the session, and refuses locked tenants and revoked sessions, on refresh as well. The
-- session keeps Auth's own session_id as its jti, so a refresh is the same session and a revoked
-- one does not come back. It has a definer's rights, because its tables hold sealed credentials.
CREATE OR REPLACE FUNCTION control_plane.custom_access_token_hook(event jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims jsonb := event -> 'claims';
    metadata jsonb := CASE WHEN jsonb_typeof(claims -> 'app_metadata') = 'object'
        THEN claims -> 'app_metadata' ELSE '{}' END;
    subject uuid := control_plane.claim_uuid(event -> 'user_id');
    session text := claims ->> 'session_id';
    expiry bigint := control_plane.claim_seconds(claims -> 'exp');
    wanted uuid := control_plane.claim_uuid(metadata -> 'tenant_id');
    is_refresh boolean := coalesce(event ->> 'authentication_method', '') = 'token_refresh';
    began bigint;
    address inet;
    epoch bigint;
    state text;
BEGIN
    IF jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 400, 'message', 'the claims of this token cannot be read'));
    END IF;
    IF wanted IS NULL THEN
        SELECT m.tenant_id INTO wanted FROM control_plane.user_mappings m
            JOIN control_plane.tenant_metadata t USING (tenant_id)
            WHERE m.auth_user_id = subject AND m.is_member
                AND t.status NOT IN ('deleted', 'purging', 'purged')
            ORDER BY m.created_at, m.tenant_id LIMIT 1;
    END IF;
    -- A user who belongs to no tenant gets the token as Auth made it.
    IF wanted IS NULL OR subject IS NULL OR expiry IS NULL
        OR (octet_length(session) BETWEEN 1 AND 255) IS NOT TRUE
    THEN
        RETURN jsonb_build_object('claims', claims);
    END IF;
    SELECT t.session_epoch INTO epoch FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = wanted AND t.status = 'active' AND t.locked_at IS NULL;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'access to this tenant is not allowed'));
    END IF;

    state := control_plane.session_state(session);
    IF state = 'unknown' THEN
        -- On a refresh it may be older than a mark; when it began stands in `amr`.
        SELECT max(control_plane.claim_seconds(a -> 'timestamp')) INTO began
            FROM jsonb_array_elements(CASE WHEN jsonb_typeof(claims -> 'amr') = 'array'
                THEN claims -> 'amr' ELSE '[]' END) a;
        BEGIN
            address := (event -> 'metadata' ->> 'ip_address')::inet;
        EXCEPTION WHEN invalid_text_representation THEN
            -- The client's address is worth keeping, not worth refusing a sign-in for.
            address := NULL;
        END;
        PERFORM control_plane.record_session(session, subject, wanted,
            greatest(to_timestamp(expiry) - clock_timestamp(), interval '1 second'), address, NULL,
            jsonb_build_object('method', event ->> 'authentication_method'), is_refresh, began);
    ELSIF state IN ('valid', 'expired') THEN
        UPDATE control_plane.sessions s
            SET expires_at = greatest(s.expires_at, to_timestamp(expiry)),
                last_seen_at = clock_timestamp()
            WHERE s.jti = session AND s.revoked_at IS NULL;
    END IF;
    -- Judged last, so what was revoked, or recorded for another user, meanwhile counts.
    IF NOT EXISTS (SELECT FROM control_plane.session_states s WHERE s.jti = session
        AND s.user_id = subject AND s.tenant_id = wanted AND s.state = 'valid')
    THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'this session was revoked; sign in again'));
    END IF;
    RETURN jsonb_build_object('claims', claims
        || jsonb_build_object('jti', session, 'tenant_epoch', epoch)
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
    is_valid boolean;
BEGIN
    IF raw IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        claims := raw::jsonb;
        is_valid := CASE WHEN NOT control_plane.is_readable(claims) THEN false
            WHEN coalesce(claims ->> 'role', 'anon') IN ('anon', 'service_role') THEN true
            ELSE control_plane.are_claims_valid(claims) END;
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
        is_valid := false;
    END;
    IF is_valid IS NOT TRUE THEN
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = '{"code":"session_revoked","message":"This session is not valid."}',
            DETAIL = '{"status":401,"headers":{}}';
    END IF;
END $$;

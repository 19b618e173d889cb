-- Who works in a tenant, told apart from who only has a mark there. Revoking a user in a tenant where
-- nobody ever recorded them leaves a row for the mark; that row makes nobody a member.
ALTER TABLE control_plane.user_mappings ADD COLUMN is_member boolean NOT NULL DEFAULT true;

-- A claim alone puts nobody into a tenant: where no session was recorded, and the user is known to
-- work in other tenants and not in the one the token names, it is `unknown`. Of a user of whom
-- nothing is known, as in a project without our hook, the claim is all there is, and
-- `unrecorded_passes` decides.
CREATE OR REPLACE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    strictest CONSTANT text[] := ARRAY['tenant_locked', 'tenant_revoked', 'user_revoked',
        'revoked', 'expired', 'valid'];
    token jsonb;
    metadata jsonb;
    tenant uuid;
    subject uuid;
    issued_at bigint;
    marks record;
    judgement integer;
    is_foreign boolean;
BEGIN
    IF jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN
        RETURN 'unknown';
    END IF;
    -- A claim that is null says as much as one that is not there.
    token := jsonb_strip_nulls(claims);
    metadata := coalesce(token -> 'app_metadata', '{}');
    tenant := control_plane.claim_uuid(metadata -> 'tenant_id');
    subject := control_plane.claim_uuid(token -> 'sub');
    IF jsonb_typeof(metadata) <> 'object'
        OR jsonb_typeof(token -> 'jti') <> 'string'
        OR jsonb_typeof(token -> 'session_id') <> 'string'
        OR (metadata ? 'tenant_id' AND tenant IS NULL)
        OR (token ? 'sub' AND subject IS NULL)
    THEN
        RETURN 'unknown';
    END IF;

    -- A token that names another tenant or user than its session was issued to is nobody's.
    SELECT min(array_position(strictest, s.state)),
           bool_or(tenant <> s.tenant_id OR subject <> s.user_id)
      INTO judgement, is_foreign
      FROM control_plane.session_states s
     WHERE s.jti IN (token ->> 'jti', token ->> 'session_id');
    IF is_foreign THEN
        RETURN 'unknown';
    END IF;
    IF judgement IS NOT NULL THEN
        RETURN strictest[judgement];
    END IF;

    SELECT t.status, t.locked_at, t.session_epoch, t.sessions_not_before AS of_tenant,
           greatest(u.sessions_not_before, m.sessions_not_before) AS of_user, c.clock_skew,
           u.is_member IS NOT TRUE AND EXISTS (
               SELECT FROM control_plane.user_mappings o
               JOIN control_plane.tenant_metadata w ON w.tenant_id = o.tenant_id
               WHERE o.auth_user_id = subject AND o.is_member
                   AND w.status NOT IN ('deleted', 'purging', 'purged')) AS is_elsewhere
      INTO marks
      FROM control_plane.tenant_metadata t
      CROSS JOIN control_plane.settings c
      LEFT JOIN control_plane.user_mappings u
        ON u.tenant_id = t.tenant_id AND u.auth_user_id = subject
      LEFT JOIN control_plane.user_marks m ON m.auth_user_id = subject
     WHERE t.tenant_id = tenant;
    IF NOT FOUND OR subject IS NULL OR marks.is_elsewhere THEN
        RETURN 'unknown';
    END IF;
    issued_at := control_plane.claim_seconds(token -> 'iat');
    RETURN CASE
        WHEN marks.status = 'locked' OR marks.locked_at IS NOT NULL THEN 'tenant_locked'
        WHEN marks.status <> 'active'
            OR control_plane.falls_under(issued_at, marks.of_tenant, marks.clock_skew)
            OR (token ? 'tenant_epoch' AND control_plane.claim_seconds(token -> 'tenant_epoch')
                IS DISTINCT FROM marks.session_epoch)
            THEN 'tenant_revoked'
        WHEN control_plane.falls_under(issued_at, marks.of_user, marks.clock_skew)
            THEN 'user_revoked'
        WHEN control_plane.claim_seconds(token -> 'exp') <= extract(epoch FROM statement_timestamp())
            THEN 'expired'
        ELSE 'unrecorded'
    END;
END $$;

-- As before; whoever gets a session works there from now on. The flag of a row that only held a mark
-- is set once, so the next login again takes no lock.
CREATE OR REPLACE FUNCTION control_plane.record_session(session_jti text, subject uuid, tenant uuid,
    lifetime interval, address inet, on_device text, about jsonb,
    is_continued boolean DEFAULT false, began bigint DEFAULT NULL,
    OUT issued_at timestamptz, OUT expires_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id)
        SELECT subject, t.tenant_id FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        UPDATE control_plane.user_mappings u SET is_member = true
            FROM control_plane.tenant_metadata t
            WHERE u.auth_user_id = subject AND u.tenant_id = tenant AND NOT u.is_member
                AND t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL;
    END IF;
    -- Epochs and marks are read by one statement, so they belong together.
    RETURN QUERY INSERT INTO control_plane.sessions AS s (jti, user_id, tenant_id, tenant_epoch,
            user_epoch, issued_at, expires_at, ip, device, metadata)
        SELECT session_jti, subject, tenant, t.session_epoch,
               u.session_epoch + coalesce(m.session_epoch, 0), c.at, c.at + lifetime, address,
               on_device, about
        FROM control_plane.tenant_metadata t
        JOIN control_plane.user_mappings u
            ON u.tenant_id = t.tenant_id AND u.auth_user_id = subject
        LEFT JOIN control_plane.user_marks m ON m.auth_user_id = subject
        CROSS JOIN control_plane.settings g
        CROSS JOIN (SELECT clock_timestamp() AS at) c
        WHERE t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL
            AND NOT (is_continued AND control_plane.falls_under(began, greatest(
                t.sessions_not_before, u.sessions_not_before, m.sessions_not_before),
                g.clock_skew))
        ON CONFLICT (jti) DO NOTHING
        RETURNING s.issued_at, s.expires_at;
END $$;

-- As before, but nobody is put into a tenant by a row that only holds a mark.
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
    IF wanted IS NULL THEN
        SELECT m.tenant_id INTO wanted FROM control_plane.user_mappings m
            JOIN control_plane.tenant_metadata t USING (tenant_id)
            WHERE m.auth_user_id = subject AND m.is_member
                AND t.status NOT IN ('deleted', 'purging', 'purged')
            ORDER BY m.created_at, m.tenant_id LIMIT 1;
    END IF;
    -- Somebody who works for no tenant is none of our business.
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
            -- Where somebody signs in from is worth knowing, not worth refusing them for.
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
    -- Judged last, so what was revoked or taken by somebody else meanwhile counts.
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

-- A user's own marks, beside those in each tenant: one row revokes a user everywhere, also where
-- nobody ever recorded which tenants they work in. No row means epoch 0.
CREATE TABLE control_plane.user_marks (
    auth_user_id uuid PRIMARY KEY,
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    sessions_not_before timestamptz NOT NULL
);

-- What an installation decides once.
CREATE TABLE control_plane.settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Whether a token passes whose session nobody recorded and against which nothing speaks: yes
    -- in a project without our token hook, no once every session is recorded at login.
    unrecorded_passes boolean NOT NULL DEFAULT false,
    -- How far the clock of whoever issues tokens may be ahead of this database's. Hosted, Auth runs
    -- beside its database and the answer is none. A token without a recorded session that was
    -- issued up to this long after a mark counts as revoked; so does one of whoever signs in that
    -- quickly again.
    clock_skew interval NOT NULL DEFAULT '0'
        CHECK (clock_skew BETWEEN interval '0' AND interval '5 minutes')
);
INSERT INTO control_plane.settings DEFAULT VALUES;

-- One lockdown after the other for each tenant: what was changed to cut it off, so that `unlock`
-- gives back exactly that.
CREATE TABLE control_plane.lockdowns (
    lockdown_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    actor text NOT NULL,
    reason text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How often it was asked for: an unlock that began before the newest of them must not end it.
    cuts integer NOT NULL DEFAULT 1,
    -- The flags of login and database from before (`door`), and who was banned by us in Supabase
    -- Auth, with the ban each had before (`banned`).
    saved jsonb NOT NULL DEFAULT '{}',
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text
);
CREATE UNIQUE INDEX lockdowns_one_open_key
    ON control_plane.lockdowns (tenant_id) WHERE lifted_at IS NULL;

-- The one judgement on sessions, read here by the functions below and by the command line.
-- Where several marks apply the widest decides: the tenant's before the user's before the
-- session's. A session's `user_epoch` is the sum of the user's epoch in the tenant and the user's
-- own: both only rise, so the sum stands exactly as long as both do. Nothing is compared with a
-- clock but the expiry, so a login that passes a revocation on the way is dead whichever commits
-- first. A lock counts in whatever status the tenant is.
CREATE VIEW control_plane.session_states AS
SELECT s.*,
       CASE
           WHEN t.status = 'locked' OR t.locked_at IS NOT NULL THEN 'tenant_locked'
           WHEN t.status <> 'active' OR t.session_epoch <> s.tenant_epoch THEN 'tenant_revoked'
           WHEN u.session_epoch + coalesce((
               SELECT m.session_epoch FROM control_plane.user_marks m
               WHERE m.auth_user_id = s.user_id), 0) <> s.user_epoch THEN 'user_revoked'
           WHEN s.revoked_at IS NOT NULL THEN 'revoked'
           WHEN s.expires_at <= statement_timestamp() THEN 'expired'
           ELSE 'valid'
       END AS state
FROM control_plane.sessions s
JOIN control_plane.tenant_metadata t ON t.tenant_id = s.tenant_id
JOIN control_plane.user_mappings u
    ON u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id;

-- PL/pgSQL, because it keeps the plan from call to call; a function in SQL that must not be inlined
-- is planned anew every time, which costs more than the look-up itself.
CREATE OR REPLACE FUNCTION control_plane.session_state(session_jti text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT s.state FROM control_plane.session_states s WHERE s.jti = session_jti), 'unknown');
END $$;

-- `session_state(…) = 'valid'`, spelled out for the one question that is asked on every request: one
-- row and three look-ups by key, without the start of a join. The tests hold the two together.
CREATE OR REPLACE FUNCTION control_plane.is_session_valid(session_jti text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM control_plane.sessions s
        WHERE s.jti = session_jti AND s.revoked_at IS NULL
            AND s.expires_at > statement_timestamp()
            AND s.tenant_epoch = (
                SELECT t.session_epoch FROM control_plane.tenant_metadata t
                WHERE t.tenant_id = s.tenant_id AND t.status = 'active' AND t.locked_at IS NULL)
            AND s.user_epoch = coalesce((
                SELECT m.session_epoch FROM control_plane.user_marks m
                WHERE m.auth_user_id = s.user_id), 0) + (
                SELECT u.session_epoch FROM control_plane.user_mappings u
                WHERE u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id));
END $$;

-- Reads a claim that should be a UUID; anything else is none. An error here would be a way to make
-- every request of somebody fail, or to read the reason from its text.
CREATE FUNCTION control_plane.claim_uuid(claim jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_catalog.jsonb_typeof(claim) = 'string'
        AND claim #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    THEN (claim #>> '{}')::uuid
END;

-- Reads a claim that should be whole seconds since 1970; anything else is none.
CREATE FUNCTION control_plane.claim_seconds(claim jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_catalog.jsonb_typeof(claim) = 'number' AND claim #>> '{}' ~ '^[0-9]{1,12}$'
    THEN (claim #>> '{}')::bigint
END;

-- Whether a token of this second falls under a mark. Whole seconds: one issued in the very second
-- of the mark counts as older, and so does one that does not say when it was issued.
CREATE FUNCTION control_plane.falls_under(second bigint, mark timestamptz, skew interval)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN mark IS NOT NULL
    AND (second <= pg_catalog.floor(extract(epoch FROM mark + skew))) IS NOT FALSE;

-- The judgement on a whole token, whose signature and expiry somebody else verified. The session is
-- looked up under `jti` and `session_id`; where both are recorded the stricter one decides, so a
-- revoked session stays revoked under either name. Where none was recorded, the marks on tenant and
-- user are compared with `iat`, and `unrecorded` says that nothing speaks against it. What it does
-- not understand is `unknown`; nothing raises.
CREATE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text
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
           greatest(u.sessions_not_before, m.sessions_not_before) AS of_user, c.clock_skew
      INTO marks
      FROM control_plane.tenant_metadata t
      CROSS JOIN control_plane.settings c
      LEFT JOIN control_plane.user_mappings u
        ON u.tenant_id = t.tenant_id AND u.auth_user_id = subject
      LEFT JOIN control_plane.user_marks m ON m.auth_user_id = subject
     WHERE t.tenant_id = tenant;
    IF NOT FOUND OR subject IS NULL THEN
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

CREATE FUNCTION control_plane.are_claims_valid(claims jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state text := control_plane.claims_state(claims);
BEGIN
    RETURN state = 'valid' OR (state = 'unrecorded'
        AND (SELECT c.unrecorded_passes FROM control_plane.settings c));
END $$;

-- Records a session under the epochs of this moment, and who works in the tenant with it; no row
-- when the tenant takes no sessions. It takes no lock: a revocation that commits meanwhile leaves
-- epochs behind that this session does not have, so logins neither wait for a lockdown nor hold one
-- up. For a session that began before it was recorded, `began` is the second of its sign-in (null
-- when that is not known), and one that falls under a mark is not recorded.
CREATE FUNCTION control_plane.record_session(session_jti text, subject uuid, tenant uuid,
    lifetime interval, address inet, on_device text, about jsonb,
    is_continued boolean DEFAULT false, began bigint DEFAULT NULL,
    OUT issued_at timestamptz, OUT expires_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id)
        SELECT subject, t.tenant_id FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL
        ON CONFLICT DO NOTHING;
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

-- Supabase Auth's custom access token hook: puts `jti` and `app_metadata.tenant_id` into the token,
-- records the session, and refuses locked tenants and revoked sessions, on refresh as well. The
-- session keeps Auth's own session_id as its jti, so a refresh is the same session and a revoked one
-- does not come back. A definer's rights instead of grants on tables that hold sealed credentials.
CREATE FUNCTION control_plane.custom_access_token_hook(event jsonb) RETURNS jsonb
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
            WHERE m.auth_user_id = subject AND t.status NOT IN ('deleted', 'purging', 'purged')
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

-- PostgREST's pre-request: refuses a request whose token is not valid, with a status of its own.
-- Requests without a token, and those of the service role, are the API's business.
CREATE FUNCTION control_plane.check_request() RETURNS void
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
        is_valid := CASE WHEN jsonb_typeof(claims) <> 'object' THEN false
            WHEN coalesce(claims ->> 'role', 'anon') IN ('anon', 'service_role') THEN true
            ELSE control_plane.are_claims_valid(claims) END;
    EXCEPTION WHEN data_exception THEN
        is_valid := false;
    END;
    IF is_valid IS NOT TRUE THEN
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = '{"code":"session_revoked","message":"This session is not valid."}',
            DETAIL = '{"status":401,"headers":{}}';
    END IF;
END $$;

-- A backend that only asks whether somebody may go on gets this role and nothing else.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantctl_checker') THEN
        CREATE ROLE tenantctl_checker NOLOGIN NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- Another control plane on this server made it in the same moment.
    NULL;
END $$;

-- Who may call what. `init` runs it every time: Supabase's roles may come later than we do. The hook
-- is Auth's to call and the check the Data API's, as anybody a request can be.
CREATE FUNCTION control_plane.grant_to_callers() RETURNS void
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

COMMENT ON VIEW control_plane.session_states IS
    'Every session with the one judgement on it.';
COMMENT ON TABLE control_plane.lockdowns IS
    'What each lockdown changed, so that unlock gives back exactly that.';

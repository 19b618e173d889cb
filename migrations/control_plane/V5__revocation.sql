-- A user's own marks, beside those in each tenant: revoking a user must work as well where nobody
-- ever recorded which tenants they work in.
CREATE TABLE control_plane.user_marks (
    auth_user_id uuid PRIMARY KEY,
    sessions_not_before timestamptz NOT NULL
);

-- What an installation decides once.
CREATE TABLE control_plane.settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Whether a token passes whose session nobody recorded and against which nothing speaks: yes
    -- in a project without our token hook, no once every session is recorded at login.
    unrecorded_passes boolean NOT NULL DEFAULT false
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
    -- The flags of login and database from before, and who was banned by us in Supabase Auth.
    saved jsonb NOT NULL DEFAULT '{}',
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text
);
CREATE UNIQUE INDEX lockdowns_one_open_key
    ON control_plane.lockdowns (tenant_id) WHERE lifted_at IS NULL;

-- A lock counts in whatever status the tenant is.
CREATE OR REPLACE FUNCTION control_plane.session_state(session_jti text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN t.status = 'locked' OR t.locked_at IS NOT NULL THEN 'tenant_locked'
            WHEN t.status <> 'active' OR t.session_epoch <> s.tenant_epoch THEN 'tenant_revoked'
            WHEN u.session_epoch <> s.user_epoch THEN 'user_revoked'
            WHEN s.revoked_at IS NOT NULL THEN 'revoked'
            WHEN s.expires_at <= now() THEN 'expired'
            ELSE 'valid'
        END
        FROM control_plane.sessions s
        JOIN control_plane.tenant_metadata t ON t.tenant_id = s.tenant_id
        JOIN control_plane.user_mappings u
            ON u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id
        WHERE s.jti = session_jti
    ), 'unknown')
$$;

CREATE OR REPLACE FUNCTION control_plane.is_session_valid(session_jti text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT control_plane.session_state(session_jti) = 'valid'
$$;

-- Reads a claim that should be a UUID; anything else is none. An error here would be a way to make
-- every request of somebody fail, or to read the reason from its text.
CREATE FUNCTION control_plane.claim_uuid(claim jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN jsonb_typeof(claim) = 'string'
            AND claim #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        THEN (claim #>> '{}')::uuid
    END
$$;

-- Reads a claim that should be whole seconds since 1970; anything else is none.
CREATE FUNCTION control_plane.claim_seconds(claim jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN jsonb_typeof(claim) = 'number' AND claim #>> '{}' ~ '^[0-9]{1,12}$'
        THEN (claim #>> '{}')::bigint
    END
$$;

-- The judgement on a whole token. A recorded session decides; where none was recorded, the marks on
-- tenant and user are compared with `iat`. Whole seconds: a token issued in the very second of a
-- mark counts as revoked.
CREATE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH token AS (
        SELECT CASE WHEN jsonb_typeof(claims -> 'jti') = 'string' THEN claims ->> 'jti' END AS jti,
               CASE WHEN jsonb_typeof(claims -> 'session_id') = 'string'
                    THEN claims ->> 'session_id' END AS session_id,
               control_plane.claim_uuid(claims -> 'app_metadata' -> 'tenant_id') AS tenant_id,
               control_plane.claim_uuid(claims -> 'sub') AS user_id,
               control_plane.claim_seconds(claims -> 'iat') AS iat,
               control_plane.claim_seconds(claims -> 'exp') AS expiry
    ), recorded AS (
        SELECT s.jti, s.tenant_id, s.user_id FROM control_plane.sessions s, token
        WHERE s.jti IN (token.jti, token.session_id)
        ORDER BY s.jti = token.jti DESC LIMIT 1
    )
    SELECT CASE
        WHEN jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN 'unknown'
        -- A token that names another tenant or user than its session was issued to is nobody's.
        WHEN r.jti IS NOT NULL AND (
            (token.tenant_id IS NOT NULL AND token.tenant_id <> r.tenant_id)
            OR (token.user_id IS NOT NULL AND token.user_id <> r.user_id)) THEN 'unknown'
        WHEN r.jti IS NOT NULL THEN control_plane.session_state(r.jti)
        WHEN t.tenant_id IS NULL THEN 'unknown'
        WHEN t.status = 'locked' OR t.locked_at IS NOT NULL THEN 'tenant_locked'
        WHEN t.status <> 'active' THEN 'tenant_revoked'
        WHEN t.sessions_not_before IS NOT NULL
            AND (token.iat <= floor(extract(epoch FROM t.sessions_not_before))) IS NOT FALSE
            THEN 'tenant_revoked'
        WHEN greatest(m.sessions_not_before, u.sessions_not_before) IS NOT NULL
            AND (token.iat <= floor(extract(epoch FROM
                greatest(m.sessions_not_before, u.sessions_not_before)))) IS NOT FALSE
            THEN 'user_revoked'
        WHEN token.expiry <= extract(epoch FROM now()) THEN 'expired'
        ELSE 'unrecorded'
    END
    FROM token
    LEFT JOIN recorded r ON true
    LEFT JOIN control_plane.tenant_metadata t ON t.tenant_id = token.tenant_id
    LEFT JOIN control_plane.user_mappings u
        ON u.auth_user_id = token.user_id AND u.tenant_id = token.tenant_id
    LEFT JOIN control_plane.user_marks m ON m.auth_user_id = token.user_id
$$;

CREATE FUNCTION control_plane.are_claims_valid(claims jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE control_plane.claims_state(claims)
        WHEN 'valid' THEN true
        WHEN 'unrecorded' THEN (SELECT unrecorded_passes FROM control_plane.settings)
        ELSE false
    END
$$;

-- Supabase Auth's custom access token hook: puts `jti` and `app_metadata.tenant_id` into the token,
-- records the session, and refuses locked tenants and revoked sessions, on refresh as well. The
-- session keeps Auth's own session_id as its jti, so a refresh is the same session and a revoked one
-- does not come back. A definer's rights instead of grants on tables that hold sealed credentials.
CREATE FUNCTION control_plane.custom_access_token_hook(event jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims jsonb := event -> 'claims';
    subject uuid := control_plane.claim_uuid(event -> 'user_id');
    session text := claims ->> 'session_id';
    expiry bigint := control_plane.claim_seconds(claims -> 'exp');
    wanted uuid := control_plane.claim_uuid(claims -> 'app_metadata' -> 'tenant_id');
    authenticated_at bigint;
    tenant control_plane.tenant_metadata;
    mapping control_plane.user_mappings;
    mark timestamptz;
    state text;
BEGIN
    IF wanted IS NULL THEN
        SELECT m.tenant_id INTO wanted FROM control_plane.user_mappings m
            WHERE m.auth_user_id = subject
            ORDER BY m.created_at, m.tenant_id LIMIT 1;
    END IF;
    -- Somebody who works for no tenant is none of our business.
    IF wanted IS NULL OR subject IS NULL OR session IS NULL OR expiry IS NULL THEN
        RETURN jsonb_build_object('claims', claims);
    END IF;
    -- Shared: a login and a lockdown never pass each other, logins do not wait for one another.
    SELECT * INTO tenant FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = wanted FOR SHARE;
    IF NOT FOUND OR tenant.status <> 'active' OR tenant.locked_at IS NOT NULL THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'access to this tenant is not allowed'));
    END IF;
    INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) VALUES (subject, wanted)
        ON CONFLICT DO NOTHING;
    SELECT * INTO mapping FROM control_plane.user_mappings m
        WHERE m.auth_user_id = subject AND m.tenant_id = wanted;

    state := control_plane.session_state(session);
    IF state = 'unknown' THEN
        -- Never recorded. On a refresh it may be older than a mark; when it began stands in `amr`.
        IF event ->> 'authentication_method' = 'token_refresh' THEN
            SELECT max(control_plane.claim_seconds(a -> 'timestamp')) INTO authenticated_at
                FROM jsonb_array_elements(
                    CASE WHEN jsonb_typeof(claims -> 'amr') = 'array' THEN claims -> 'amr'
                         ELSE '[]' END) a;
            SELECT greatest(tenant.sessions_not_before, mapping.sessions_not_before, (
                SELECT u.sessions_not_before FROM control_plane.user_marks u
                WHERE u.auth_user_id = subject)) INTO mark;
            IF mark IS NOT NULL
                AND (authenticated_at <= floor(extract(epoch FROM mark))) IS NOT FALSE THEN
                state := 'user_revoked';
            END IF;
        END IF;
        IF state = 'unknown' THEN
            INSERT INTO control_plane.sessions (jti, user_id, tenant_id, tenant_epoch, user_epoch,
                    issued_at, expires_at, ip, metadata)
                VALUES (session, subject, wanted, tenant.session_epoch, mapping.session_epoch,
                    clock_timestamp(), greatest(to_timestamp(expiry), clock_timestamp() + interval '1 second'),
                    CASE WHEN event -> 'metadata' ->> 'ip_address' ~ '^[0-9a-fA-F:.]{2,45}$'
                         THEN (event -> 'metadata' ->> 'ip_address')::inet END,
                    jsonb_build_object('method', event ->> 'authentication_method'));
            state := 'valid';
        END IF;
    ELSIF state IN ('valid', 'expired') THEN
        UPDATE control_plane.sessions s
            SET expires_at = greatest(s.expires_at, to_timestamp(expiry)),
                last_seen_at = clock_timestamp()
            WHERE s.jti = session AND s.user_id = subject AND s.tenant_id = wanted;
        state := CASE WHEN FOUND THEN 'valid' ELSE 'revoked' END;
    END IF;
    IF state <> 'valid' THEN
        RETURN jsonb_build_object('error', jsonb_build_object(
            'http_code', 403, 'message', 'this session was revoked; sign in again'));
    END IF;
    RETURN jsonb_build_object('claims', claims
        || jsonb_build_object('jti', session, 'tenant_epoch', tenant.session_epoch)
        || jsonb_build_object('app_metadata',
            coalesce(claims -> 'app_metadata', '{}') || jsonb_build_object('tenant_id', wanted)));
END $$;

-- PostgREST's pre-request: refuses a request whose token is not valid, with a status of its own.
-- Requests without a token, and those of the service role, are the API's business.
CREATE FUNCTION control_plane.check_request() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
BEGIN
    IF claims IS NULL OR coalesce(claims ->> 'role', 'anon') IN ('anon', 'service_role') THEN
        RETURN;
    END IF;
    IF NOT control_plane.are_claims_valid(claims) THEN
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = '{"code":"session_revoked","message":"This session is not valid."}',
            DETAIL = '{"status":401,"headers":{}}';
    END IF;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA control_plane FROM PUBLIC;

-- A backend that only asks whether somebody may go on gets this role and nothing else.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantctl_checker') THEN
        CREATE ROLE tenantctl_checker NOLOGIN NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- Another control plane on this server made it in the same moment.
    NULL;
END $$;
GRANT USAGE ON SCHEMA control_plane TO tenantctl_checker;
GRANT EXECUTE ON FUNCTION control_plane.session_state(text), control_plane.is_session_valid(text),
    control_plane.claims_state(jsonb), control_plane.are_claims_valid(jsonb) TO tenantctl_checker;

-- Where Supabase's roles are, the hook is Auth's to call and the check the Data API's.
DO $$ DECLARE role text; BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_auth_admin') THEN
        GRANT USAGE ON SCHEMA control_plane TO supabase_auth_admin;
        GRANT EXECUTE ON FUNCTION control_plane.custom_access_token_hook(jsonb)
            TO supabase_auth_admin;
    END IF;
    FOREACH role IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('GRANT USAGE ON SCHEMA control_plane TO %I', role);
            EXECUTE format('GRANT EXECUTE ON FUNCTION control_plane.check_request() TO %I', role);
        END IF;
    END LOOP;
END $$;

COMMENT ON TABLE control_plane.lockdowns IS
    'What each lockdown changed, so that unlock gives back exactly that.';

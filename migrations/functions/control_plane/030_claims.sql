-- Reads a claim that should be a UUID; anything else is null. An error here would be a way to make
-- every request of a user fail, or to read the reason from its text.
CREATE OR REPLACE FUNCTION control_plane.claim_uuid(claim jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_catalog.jsonb_typeof(claim) = 'string'
        AND claim #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    THEN (claim #>> '{}')::uuid
END;

-- Reads a claim that should be whole seconds since 1970; anything else is null.
CREATE OR REPLACE FUNCTION control_plane.claim_seconds(claim jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_catalog.jsonb_typeof(claim) = 'number' AND claim #>> '{}' ~ '^[0-9]{1,12}$'
    THEN (claim #>> '{}')::bigint
END;

-- Whether a second lies further ahead than clocks may be apart: one minute, here, in every tenant's
-- gate and in `token verify`. A token from there would outlive every revocation.
CREATE OR REPLACE FUNCTION control_plane.is_ahead(second numeric) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN second > extract(epoch FROM pg_catalog.statement_timestamp() + interval '1 minute');

-- Whether a token of this second falls under a mark. Whole seconds: one issued in the very second
-- of the mark counts as older, and so does one that does not say when it was issued, or that names
-- a second in the future.
CREATE OR REPLACE FUNCTION control_plane.falls_under(second bigint, mark timestamptz, skew interval)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN mark IS NOT NULL
    AND (second <= pg_catalog.floor(extract(epoch FROM mark + skew))
        OR control_plane.is_ahead(second)) IS NOT FALSE;

-- Whether claims can be judged at all: an object, no more than 64 deep (the tenant's gate reads no
-- deeper either), whose times are numbers, and that was not issued in the future.
CREATE OR REPLACE FUNCTION control_plane.is_readable(claims jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_catalog.jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN false
    WHEN pg_catalog.jsonb_path_exists(claims,
        'strict $.**{64 to last} ? (@.type() == "object" || @.type() == "array")') THEN false
    WHEN coalesce(pg_catalog.jsonb_typeof(claims -> 'iat'), 'null') NOT IN ('number', 'null')
        OR coalesce(pg_catalog.jsonb_typeof(claims -> 'exp'), 'null') NOT IN ('number', 'null')
        THEN false
    ELSE control_plane.is_ahead((claims ->> 'iat')::numeric) IS NOT TRUE
END;

-- The judgement on a whole token, whose signature and expiry the caller verified. The session is
-- looked up under `jti` and `session_id`; where both are recorded the stricter one decides, so a
-- revoked session stays revoked under either name. Where none was recorded, the marks on tenant and
-- user are compared with `iat`, and `unrecorded` says that nothing speaks against it. What it does
-- not understand is `unknown`; nothing raises.
--
-- A claim alone puts no user into a tenant: where no session was recorded, and the user is known to
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
    IF NOT control_plane.is_readable(claims) THEN
        RETURN 'unknown';
    END IF;
    -- A claim that is null says as much as a missing one.
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

    -- A token that names another tenant or user than its session was issued to is not valid for
    -- either.
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
        WHEN control_plane.claim_seconds(token -> 'exp')
            <= extract(epoch FROM statement_timestamp()) THEN 'expired'
        ELSE 'unrecorded'
    END;
END $$;

CREATE OR REPLACE FUNCTION control_plane.are_claims_valid(claims jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state text := control_plane.claims_state(claims);
BEGIN
    RETURN state = 'valid' OR (state = 'unrecorded'
        AND (SELECT c.unrecorded_passes FROM control_plane.settings c));
END $$;

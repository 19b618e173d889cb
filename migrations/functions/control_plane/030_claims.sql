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

-- The second a token's session began: the earliest of `iat` and the seconds in `amr`. Every refresh
-- moves `iat` and none moves `amr` (supabase/auth `internal/models/amr.go`, read 2026-11), so a
-- session from before a revocation stays one however often it is refreshed. Null without an `iat`.
--
-- PL/pgSQL, which keeps what it has planned; a function in SQL with a query in it is planned anew by each
-- transaction.
CREATE OR REPLACE FUNCTION control_plane.session_began(claims jsonb) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    began bigint := control_plane.claim_seconds(claims -> 'iat');
    proofs jsonb := claims -> 'amr';
BEGIN
    IF began IS NULL OR jsonb_typeof(proofs) IS DISTINCT FROM 'array' THEN
        RETURN began;
    END IF;
    FOR n IN 0 .. jsonb_array_length(proofs) - 1 LOOP
        began := least(began, control_plane.claim_seconds(proofs -> n -> 'timestamp'));
    END LOOP;
    RETURN began;
END $$;

-- Whether Auth still has a session, and the second it began. Both are null where Auth's tables are
-- not beside the control plane, or where row security would hide their rows from us.
CREATE OR REPLACE FUNCTION control_plane.auth_session(session uuid,
    OUT is_there boolean, OUT began bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF session IS NULL OR NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n
            ON n.oid = c.relnamespace
        WHERE n.nspname = 'auth' AND c.relname = 'sessions' AND c.relkind = 'r'
            AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
            AND NOT row_security_active(c.oid))
    THEN
        RETURN;
    END IF;
    -- Planned when it is first come to, and kept.
    SELECT count(*) > 0, floor(extract(epoch FROM min(a.created_at)))::bigint
        INTO is_there, began FROM auth.sessions a WHERE a.id = session;
END $$;

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
-- looked up under `jti`, and under `session_id` as the claimed tenant's part of that sign-in; where
-- both are recorded the stricter one decides, so a revoked session stays revoked under either name.
-- Where none was recorded, the marks on tenant and user are compared with the second the session
-- began, and `unrecorded` says that nothing speaks against it. `no_tenant` is a user who belongs to
-- none: just signed up, invited, anonymous. What it does not understand is `unknown`; nothing
-- raises.
--
-- Which tenant a user belongs to is Auth's word, the claim, unless an operator removed them there.
CREATE OR REPLACE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    strictest CONSTANT text[] := ARRAY['tenant_locked', 'tenant_revoked', 'not_a_member',
        'user_revoked', 'revoked', 'signed_out', 'expired', 'valid'];
    token jsonb;
    metadata jsonb;
    tenant uuid;
    subject uuid;
    began bigint;
    marks record;
    in_auth record;
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
     WHERE s.jti IN (token ->> 'jti', token ->> 'session_id')
        OR (s.session_id = token ->> 'session_id' AND s.tenant_id = tenant);
    IF is_foreign THEN
        RETURN 'unknown';
    END IF;
    IF judgement IS NOT NULL THEN
        RETURN strictest[judgement];
    END IF;

    SELECT t.tenant_id IS NOT NULL AS is_known, t.status, t.locked_at, t.session_epoch,
           t.sessions_not_before AS of_tenant, u.removed_at,
           greatest(u.sessions_not_before, m.sessions_not_before) AS of_user, c.clock_skew,
           EXISTS (SELECT FROM control_plane.revoked_sign_ins r
               WHERE r.session_id = token ->> 'session_id') AS is_revoked
      INTO marks
      FROM control_plane.settings c
      LEFT JOIN control_plane.tenant_metadata t ON t.tenant_id = tenant
      LEFT JOIN control_plane.user_mappings u
        ON u.tenant_id = t.tenant_id AND u.auth_user_id = subject
      LEFT JOIN control_plane.user_marks m ON m.auth_user_id = subject;
    IF subject IS NULL OR (tenant IS NOT NULL AND NOT marks.is_known) THEN
        RETURN 'unknown';
    END IF;
    SELECT a.* INTO in_auth
      FROM control_plane.auth_session(control_plane.claim_uuid(token -> 'session_id')) a;
    -- A hook of somebody else's may drop `amr`.
    began := least(control_plane.session_began(token), in_auth.began);
    IF NOT token ? 'iat' THEN
        began := NULL;
    END IF;
    RETURN CASE
        WHEN marks.locked_at IS NOT NULL THEN 'tenant_locked'
        WHEN tenant IS NOT NULL AND (marks.status <> 'active'
            OR control_plane.falls_under(began, marks.of_tenant, marks.clock_skew)
            OR (token ? 'tenant_epoch' AND control_plane.claim_seconds(token -> 'tenant_epoch')
                IS DISTINCT FROM marks.session_epoch))
            THEN 'tenant_revoked'
        WHEN marks.removed_at IS NOT NULL THEN 'not_a_member'
        WHEN control_plane.falls_under(began, marks.of_user, marks.clock_skew)
            THEN 'user_revoked'
        WHEN marks.is_revoked THEN 'revoked'
        WHEN NOT in_auth.is_there THEN 'signed_out'
        WHEN control_plane.claim_seconds(token -> 'exp')
            <= extract(epoch FROM statement_timestamp()) THEN 'expired'
        WHEN tenant IS NULL THEN 'no_tenant'
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

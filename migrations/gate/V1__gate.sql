-- The gate: whose database this is, and whether access to it is allowed.
--
-- It lives beside the product tables, not in the control plane, because a stolen
-- token can be used directly against this database, and only what stands here can
-- refuse it then.

CREATE SCHEMA IF NOT EXISTS tenantctl;

COMMENT ON SCHEMA tenantctl IS
    'Kept by tenantctl: whose database this is, and whether access to it is allowed.';

REVOKE ALL ON SCHEMA tenantctl FROM PUBLIC;

-- PostgreSQL lets PUBLIC execute every new function. What the migration role makes
-- in this database from now on is closed until somebody is named.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- ---------------------------------------------------------------------------
-- Whose database this is
-- ---------------------------------------------------------------------------

CREATE TABLE tenantctl.identity (
    only_row         boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    tenant_id        uuid        NOT NULL,
    slug             text        NOT NULL,
    control_plane_id uuid        NOT NULL,
    stamped_at       timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE tenantctl.identity IS
    'One row, stamped when the database is created. Nobody gets in before it is there, and only a database whose stamp names the tenant is ever dropped.';

CREATE FUNCTION tenantctl.keep_identity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    -- A slug may be given away again and a tenant may be renamed; whose database
    -- this is, and which control plane knows it, never changes.
    IF TG_OP = 'UPDATE' THEN
        IF NEW.tenant_id = OLD.tenant_id AND NEW.control_plane_id = OLD.control_plane_id THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the identity of a tenant database cannot be changed or removed'
        USING ERRCODE = 'restrict_violation',
              HINT = 'A database that belongs to another tenant is another database.';
END
$$;

CREATE TRIGGER identity_is_kept
    BEFORE UPDATE OR DELETE ON tenantctl.identity
    FOR EACH ROW EXECUTE FUNCTION tenantctl.keep_identity();

CREATE TRIGGER identity_is_not_truncated
    BEFORE TRUNCATE ON tenantctl.identity
    FOR EACH STATEMENT EXECUTE FUNCTION tenantctl.keep_identity();

-- ---------------------------------------------------------------------------
-- Whether access is allowed
-- ---------------------------------------------------------------------------

CREATE TABLE tenantctl.gate (
    only_row            boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    locked              boolean     NOT NULL DEFAULT false,
    lock_reason         text,
    epoch               bigint      NOT NULL DEFAULT 1 CHECK (epoch > 0),
    sessions_not_before timestamptz,
    changed_at          timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE tenantctl.gate IS
    'One row. locked shuts everybody out; epoch and sessions_not_before shut out every token that is older. Without the row nobody gets in.';
COMMENT ON COLUMN tenantctl.gate.epoch IS
    'The session epoch of the tenant. A token that carries a smaller tenant_epoch is refused.';
COMMENT ON COLUMN tenantctl.gate.sessions_not_before IS
    'Tokens are refused when their iat is not in a later second than this.';

INSERT INTO tenantctl.gate DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE FUNCTION tenantctl.keep_gate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    -- Two revocations may arrive in the wrong order. Going back to the smaller mark
    -- would bring tokens to life again that somebody has revoked.
    IF NEW.epoch < OLD.epoch
        OR (OLD.sessions_not_before IS NOT NULL
            AND (NEW.sessions_not_before >= OLD.sessions_not_before) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'the epoch and the watermark of the gate only ever rise'
            USING ERRCODE = 'check_violation',
                  SCHEMA = 'tenantctl', TABLE = 'gate', CONSTRAINT = 'gate_only_rises',
                  HINT = 'Write greatest(epoch, ...) and greatest(sessions_not_before, ...).';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER gate_only_rises
    BEFORE UPDATE ON tenantctl.gate
    FOR EACH ROW EXECUTE FUNCTION tenantctl.keep_gate();

CREATE TABLE tenantctl.denied (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti       text        UNIQUE CHECK (jti <> ''),
    user_id   uuid        UNIQUE,
    denied_at timestamptz NOT NULL DEFAULT now(),
    until     timestamptz NOT NULL,
    -- A row that named a session and its user would say more than was meant: it
    -- would shut out every session of that user.
    CONSTRAINT denied_session_or_user CHECK (num_nonnulls(jti, user_id) = 1)
);

COMMENT ON TABLE tenantctl.denied IS
    'Sessions (jti) and users (user_id) that were revoked, until their last token has run out. The unique keys serve the look-ups and make a second push harmless.';
COMMENT ON COLUMN tenantctl.denied.denied_at IS
    'A user is refused with every token issued up to the second of this instant, and may come back with a later one.';

-- ---------------------------------------------------------------------------
-- Which seed files this database has had
-- ---------------------------------------------------------------------------

CREATE TABLE tenantctl.seed_history (
    set_name   text        NOT NULL,
    file_name  text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (set_name, file_name)
);

COMMENT ON TABLE tenantctl.seed_history IS
    'Which seed files were applied here, and with which contents.';

-- ---------------------------------------------------------------------------
-- Who is asking
-- ---------------------------------------------------------------------------

-- The claims of the request, or NULL when there are none or when they are not a
-- JSON object. Callers that must tell the two apart look at the setting itself.
--
-- No exception block stands here: it would need a subtransaction, PostgreSQL 15
-- refuses those inside a parallel query, and every query of the product passes
-- through this function. From PostgreSQL 16 on the server itself can be asked
-- whether a text is JSON; before that the text is reduced step by step: strings,
-- then numbers and words, then the innermost arrays and objects, until one value
-- is left. The line for version 16 is not even parsed on version 15.
CREATE FUNCTION tenantctl.request_claims() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog
AS $$
DECLARE
    raw     text := NULLIF(current_setting('request.jwt.claims', true), '');
    rest    text;
    shorter text;
    claims  jsonb;
BEGIN
    -- No token that fits into a request header has more than this to say.
    IF raw IS NULL OR octet_length(raw) > 16384 THEN
        RETURN NULL;
    END IF;

    IF current_setting('server_version_num')::integer >= 160000 THEN
        IF NOT pg_input_is_valid(raw, 'jsonb') THEN
            RETURN NULL;
        END IF;
    ELSE
        -- JSON has no place for control characters except as white space, so the
        -- first of them can stand for a string: a stray quotation mark stays one.
        IF raw ~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f]' THEN
            RETURN NULL;
        END IF;
        rest := regexp_replace(raw,
            '"(?:[^"\\\u0001-\u001f]'
            '|\\["\\/bfnrt]'
            '|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}'
            '|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"',
            chr(1), 'g');
        rest := regexp_replace(rest,
            'true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?0*[0-9]{1,3})?',
            '0', 'g');
        -- Two values that only white space kept apart are no JSON, and once they
        -- stand side by side nothing below takes them for one.
        rest := translate(rest, E' \t\r\n', '');
        FOR depth IN 1 .. 64 LOOP
            shorter := regexp_replace(rest,
                '\{(?:\u0001:[\u00010](?:,\u0001:[\u00010])*)?\}|\[(?:[\u00010](?:,[\u00010])*)?\]',
                '0', 'g');
            EXIT WHEN shorter = rest;
            rest := shorter;
        END LOOP;
        IF rest <> '0' THEN
            RETURN NULL;
        END IF;
    END IF;

    claims := raw::jsonb;
    RETURN CASE WHEN jsonb_typeof(claims) = 'object' THEN claims END;
END
$$;

COMMENT ON FUNCTION tenantctl.request_claims() IS
    'The claims in request.jwt.claims as an object; NULL when there are none or they are malformed.';

-- The tenant of a request that carries claims: the setting and the claims must not
-- contradict each other, and claims that cannot be read speak for nobody.
CREATE FUNCTION tenantctl.tenant_with_claims(setting uuid, claims jsonb) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog
AS $$
DECLARE
    metadata jsonb := claims -> 'app_metadata';
    claimed  text  := metadata ->> 'tenant_id';
BEGIN
    IF claims IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(metadata) NOT IN ('object', 'null') THEN
        RETURN NULL;
    END IF;
    IF claimed IS NULL OR claimed = '' THEN
        RETURN setting;
    END IF;
    IF claimed !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN
        RETURN NULL;
    END IF;
    IF setting <> claimed::uuid THEN
        RETURN NULL;
    END IF;
    RETURN claimed::uuid;
END
$$;

-- The body is written in the SQL-standard form: its names are bound here and now,
-- so no search_path of a caller can put anything in their place. A SET clause would
-- give the same safety but would keep the planner from inlining the function, and
-- as a column default it is evaluated for every row that is inserted.
CREATE FUNCTION tenantctl.current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN NULLIF(pg_catalog.current_setting('request.jwt.claims', true), '') IS NULL
    THEN NULLIF(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid
    ELSE tenantctl.tenant_with_claims(
        NULLIF(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid,
        tenantctl.request_claims())
END;

COMMENT ON FUNCTION tenantctl.current_tenant() IS
    'The tenant on whose behalf this session works: app.current_tenant_id, else app_metadata.tenant_id of the claims; nobody when neither is there or when they differ.';

-- ---------------------------------------------------------------------------
-- Whether they may
-- ---------------------------------------------------------------------------

-- Called by a restrictive policy of every table as (SELECT tenantctl.access_allowed()),
-- so that it is evaluated once for a statement and not once for a row. It reads the
-- gate with the rights of its owner because the application has none to it. Whatever
-- it does not understand, it refuses.
CREATE FUNCTION tenantctl.access_allowed() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here      record;
    claims    jsonb;
    metadata  jsonb;
    claim     jsonb;
    session   text;
    subject   uuid;
    issued_at numeric;
    since     timestamptz;
BEGIN
    SELECT i.tenant_id, g.locked, g.epoch, g.sessions_not_before
      INTO here
      FROM tenantctl.identity AS i CROSS JOIN tenantctl.gate AS g;

    IF NOT FOUND OR here.locked THEN
        RETURN false;
    END IF;

    -- A connection that arrives with another tenant's id sees nothing, even if a
    -- router sent it here by mistake. The application's own connections carry no
    -- claims: who logs in as the tenant's role is let in or kept out at login.
    IF NULLIF(current_setting('request.jwt.claims', true), '') IS NULL THEN
        RETURN tenantctl.current_tenant() IS NOT DISTINCT FROM here.tenant_id;
    END IF;

    -- The same judgement as current_tenant(), on claims that are parsed only once.
    claims := tenantctl.request_claims();
    IF claims IS NULL
        OR tenantctl.tenant_with_claims(
               NULLIF(current_setting('app.current_tenant_id', true), '')::uuid, claims)
           IS DISTINCT FROM here.tenant_id
    THEN
        RETURN false;
    END IF;

    -- A claim that is null says as much as one that is not there.
    claims := jsonb_strip_nulls(claims);
    metadata := claims -> 'app_metadata';

    -- Stock tokens identify their session by session_id, tokens of the hook by jti.
    -- A revoked session stays revoked under either name.
    FOREACH claim IN ARRAY ARRAY[claims -> 'jti', claims -> 'session_id'] LOOP
        CONTINUE WHEN claim IS NULL;
        IF jsonb_typeof(claim) <> 'string' THEN
            RETURN false;
        END IF;
        session := claim #>> '{}';
        IF EXISTS (SELECT FROM tenantctl.denied AS d WHERE d.jti = session AND d.until > now()) THEN
            RETURN false;
        END IF;
    END LOOP;

    claim := claims -> 'iat';
    IF jsonb_typeof(claim) <> 'number' THEN
        RETURN false;
    END IF;
    -- iat counts whole seconds, so a token of the very second of a revocation may be
    -- older than it. It counts as older.
    issued_at := floor((claim #>> '{}')::numeric);

    IF here.sessions_not_before IS NOT NULL
        AND (issued_at > floor(extract(epoch FROM here.sessions_not_before))) IS NOT TRUE
    THEN
        RETURN false;
    END IF;

    claim := claims -> 'sub';
    IF claim IS NOT NULL THEN
        IF jsonb_typeof(claim) <> 'string'
            OR claim #>> '{}' !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        THEN
            RETURN false;
        END IF;
        subject := (claim #>> '{}')::uuid;
        SELECT d.denied_at INTO since
          FROM tenantctl.denied AS d
         WHERE d.user_id = subject AND d.until > now();
        IF FOUND AND (issued_at > floor(extract(epoch FROM since))) IS NOT TRUE THEN
            RETURN false;
        END IF;
    END IF;

    FOREACH claim IN ARRAY ARRAY[claims -> 'tenant_epoch', metadata -> 'tenant_epoch'] LOOP
        CONTINUE WHEN claim IS NULL;
        IF jsonb_typeof(claim) <> 'number' THEN
            RETURN false;
        END IF;
        IF (claim #>> '{}')::numeric < here.epoch THEN
            RETURN false;
        END IF;
    END LOOP;

    RETURN true;
END
$$;

COMMENT ON FUNCTION tenantctl.access_allowed() IS
    'Whether this session may reach the tenant''s rows at all: the right database, not locked, and a token that nobody has revoked.';

-- ---------------------------------------------------------------------------
-- Grants
-- ---------------------------------------------------------------------------

-- The application asks; it neither reads nor writes what the answer is made of.
REVOKE ALL ON tenantctl.identity, tenantctl.gate, tenantctl.denied, tenantctl.seed_history FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenantctl FROM PUBLIC;

GRANT USAGE ON SCHEMA tenantctl TO tenantctl_app;
GRANT EXECUTE ON FUNCTION
    tenantctl.request_claims(), tenantctl.tenant_with_claims(uuid, jsonb),
    tenantctl.current_tenant(), tenantctl.access_allowed()
    TO tenantctl_app;

-- Supabase's Data API works as authenticated; where that role exists it is an
-- application like any other. Requests without a user (anon) have no business here.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticated') THEN
        GRANT USAGE ON SCHEMA tenantctl TO authenticated;
        GRANT EXECUTE ON FUNCTION
            tenantctl.request_claims(), tenantctl.tenant_with_claims(uuid, jsonb),
            tenantctl.current_tenant(), tenantctl.access_allowed()
            TO authenticated;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'anon') THEN
        REVOKE ALL ON SCHEMA tenantctl FROM anon;
        REVOKE ALL ON ALL TABLES IN SCHEMA tenantctl FROM anon;
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenantctl FROM anon;
    END IF;
END
$$;

-- Whether the session may reach the tenant's rows. Called by a restrictive policy of every table as
-- (SELECT tenantctl.access_allowed()), so that it is evaluated once for a statement and not once
-- for a row. It reads the gate with the rights of its owner because the application has none to it.
-- What it does not understand, it refuses.
CREATE OR REPLACE FUNCTION tenantctl.access_allowed() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here record;
    claims jsonb;
    metadata jsonb;
    claim jsonb;
    session text;
    subject uuid;
    issued_at numeric;
    began numeric;
    since timestamptz;
BEGIN
    SELECT i.tenant_id, g.locked, g.epoch, g.sessions_not_before
      INTO here
      FROM tenantctl.identity AS i CROSS JOIN tenantctl.gate AS g;

    IF NOT FOUND OR here.locked THEN
        RETURN false;
    END IF;

    -- A connection that arrives with another tenant's id sees nothing, even if a router sent it
    -- here by mistake. The application's own connections carry no claims: the tenant's role is let
    -- in or refused at login.
    IF nullif(current_setting('request.jwt.claims', true), '') IS NULL THEN
        RETURN tenantctl.current_tenant() IS NOT DISTINCT FROM here.tenant_id;
    END IF;

    -- The same judgement as current_tenant(), on claims that are parsed only once.
    claims := tenantctl.request_claims();
    IF claims IS NULL
        OR tenantctl.tenant_with_claims(
               nullif(current_setting('app.current_tenant_id', true), '')::uuid, claims)
           IS DISTINCT FROM here.tenant_id
    THEN
        RETURN false;
    END IF;

    -- A claim that is null says as much as a missing one.
    claims := jsonb_strip_nulls(claims);
    metadata := claims -> 'app_metadata';

    -- Stock tokens identify their session by session_id, tokens of the hook by jti. A revoked
    -- session stays revoked under either name.
    FOREACH claim IN ARRAY ARRAY[claims -> 'jti', claims -> 'session_id'] LOOP
        CONTINUE WHEN claim IS NULL;
        IF jsonb_typeof(claim) <> 'string' THEN
            RETURN false;
        END IF;
        session := claim #>> '{}';
        IF EXISTS (SELECT FROM tenantctl.denied AS d WHERE d.jti = session
            AND (d.until > now() OR d.until IS NULL)) THEN
            RETURN false;
        END IF;
    END LOOP;

    claim := claims -> 'iat';
    IF jsonb_typeof(claim) <> 'number' THEN
        RETURN false;
    END IF;
    issued_at := floor((claim #>> '{}')::numeric);

    -- No instant in the future counts as issued after a revocation: such a token would outlive
    -- every one. The minute is what clocks may be apart, here as in the control plane.
    IF issued_at > extract(epoch FROM statement_timestamp() + interval '1 minute') THEN
        RETURN false;
    END IF;

    -- A refresh moves iat, and leaves in amr when the session began: it began at the earliest of
    -- them, as in the control plane's judgement. Both count whole seconds, so a session of the very
    -- second of a revocation may be older than it. It counts as older, unless the token says which
    -- epoch it is of: that is checked below, and is exact, because the token hook reads the epoch
    -- and the revocation raises it in the same control plane. Only the claim at the top counts for
    -- that: nothing but the hook writes there.
    began := CASE WHEN issued_at IS NOT NULL THEN least(issued_at, (
        SELECT min(floor((a #>> '{timestamp}')::numeric)) FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof(claims -> 'amr') = 'array' THEN claims -> 'amr'
                ELSE '[]' END) AS a
        WHERE jsonb_typeof(a -> 'timestamp') = 'number')) END;

    IF here.sessions_not_before IS NOT NULL
        AND (began IS NULL OR NOT claims ? 'tenant_epoch')
        AND (began > floor(extract(epoch FROM here.sessions_not_before))) IS NOT TRUE
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
         WHERE d.user_id = subject;
        IF FOUND AND (began > floor(extract(epoch FROM since))) IS NOT TRUE THEN
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
END $$;
COMMENT ON FUNCTION tenantctl.access_allowed() IS
    'Whether this session may reach the tenant''s rows at all: the right database, not locked, and '
    'a token that was not revoked.';

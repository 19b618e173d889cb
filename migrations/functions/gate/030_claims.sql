-- The claims of the request, or null when there are none or when they are not a JSON object.
-- Callers that must tell the two apart look at the setting itself.
--
-- No exception block stands here: it would need a subtransaction, Postgres 15 refuses those inside
-- a parallel query, and every query of the product passes through this function. From Postgres 16
-- on the server itself can be asked whether a text is JSON; before that the text is reduced step by
-- step: strings, then numbers and words, then the innermost arrays and objects, until one value is
-- left. The line for version 16 is not even parsed on version 15.
--
-- Claims nested more than 64 deep are malformed on every version: how deep the server itself reads
-- depends on its version and on the stack it was given, and beyond that it raises. A text with no
-- more opening brackets than that cannot be deeper; any other is reduced.
CREATE OR REPLACE FUNCTION tenantctl.request_claims() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    raw text := nullif(current_setting('request.jwt.claims', true), '');
    rest text;
    shorter text;
    claims jsonb;
BEGIN
    -- No token that fits into a request header has more than this to say.
    IF raw IS NULL OR octet_length(raw) > 16384 THEN
        RETURN NULL;
    END IF;

    IF current_setting('server_version_num')::integer >= 160000
        AND length(raw) - length(translate(raw, '[{', '')) <= 64
    THEN
        IF NOT pg_input_is_valid(raw, 'jsonb') THEN
            RETURN NULL;
        END IF;
    ELSE
        -- JSON has no place for control characters except as white space, so the first of them can
        -- stand for a string: a stray quotation mark stays one.
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
        -- Two values that only white space kept apart are no JSON, and once they stand side by
        -- side nothing below takes them for one.
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
END $$;
COMMENT ON FUNCTION tenantctl.request_claims() IS
    'The claims in request.jwt.claims as an object; NULL when there are none or they are '
    'malformed.';

-- The tenant of a request that carries claims: the setting and the claims must not contradict each
-- other, and claims that cannot be read name no tenant.
CREATE OR REPLACE FUNCTION tenantctl.tenant_with_claims(setting uuid, claims jsonb) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    metadata jsonb := claims -> 'app_metadata';
    claimed text := metadata ->> 'tenant_id';
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
END $$;

-- The body is written in the SQL-standard form: its names are bound when it is created, so no
-- search_path of a caller can put anything in their place. A SET clause would give the same safety
-- but would keep the planner from inlining the function, and as a column default it is evaluated
-- for every row that is inserted.
CREATE OR REPLACE FUNCTION tenantctl.current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN nullif(pg_catalog.current_setting('request.jwt.claims', true), '') IS NULL
    THEN nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid
    ELSE tenantctl.tenant_with_claims(
        nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid,
        tenantctl.request_claims())
END;
COMMENT ON FUNCTION tenantctl.current_tenant() IS
    'The tenant on whose behalf this session works: app.current_tenant_id, else '
    'app_metadata.tenant_id of the claims; NULL when neither is set or when they differ.';

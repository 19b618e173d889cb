-- The hash of an entry. jsonb prints one way only, and instants go in as whole microseconds, so the
-- text that is hashed does not depend on any setting of the session that recomputes it.
CREATE OR REPLACE FUNCTION control_plane.policy_sync_hash(entry control_plane.policy_sync_log)
RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor, entry.action,
        entry.tenant_id, entry.target, entry.reason, entry.detail, entry.outcome,
        entry.operation_id, encode(entry.prev_hash, 'hex'))::text, 'UTF8'))
$$;

-- Numbers an entry and chains it to the one before.
CREATE OR REPLACE FUNCTION control_plane.chain_policy_sync_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    head control_plane.policy_sync_head;
BEGIN
    -- The head's row lock puts appends in line; ids have no gaps because of it.
    SELECT * INTO STRICT head FROM control_plane.policy_sync_head FOR UPDATE;
    NEW.id := head.last_id + 1;
    NEW.at := clock_timestamp();
    -- The actor is what the command was told; the login beside it is what the server knows.
    NEW.detail := NEW.detail || jsonb_build_object('login', session_user);
    NEW.prev_hash := head.last_hash;
    NEW.hash := control_plane.policy_sync_hash(NEW);
    UPDATE control_plane.policy_sync_head SET last_id = NEW.id, last_hash = NEW.hash;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION control_plane.refuse_policy_sync_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'control_plane.policy_sync_log is append-only: % refused', TG_OP
        USING ERRCODE = '42501';
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = 'control_plane.policy_sync_log'::regclass
            AND tgname = 'chain')
    THEN
        CREATE TRIGGER chain BEFORE INSERT ON control_plane.policy_sync_log
            FOR EACH ROW EXECUTE FUNCTION control_plane.chain_policy_sync_log();
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON control_plane.policy_sync_log
            FOR EACH ROW EXECUTE FUNCTION control_plane.refuse_policy_sync_change();
        CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON control_plane.policy_sync_log
            FOR EACH STATEMENT EXECUTE FUNCTION control_plane.refuse_policy_sync_change();
    END IF;
END $$;

-- Walks the chain once, in order, and names the first row that does not fit; no row means that
-- the chain is whole.
CREATE OR REPLACE FUNCTION control_plane.policy_sync_first_break(OUT id bigint, OUT problem text)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH walked AS (
        SELECT l.id, l.prev_hash, l.hash, control_plane.policy_sync_hash(l) AS expected,
               lag(l.id, 1, 0::bigint) OVER w AS before_id,
               lag(l.hash, 1, sha256('tenantctl policy_sync_log'::bytea)) OVER w AS before_hash
        FROM control_plane.policy_sync_log l WINDOW w AS (ORDER BY l.id)
    ), judged AS (
        SELECT w.id, CASE
            WHEN w.id <> w.before_id + 1 THEN
                format('row %s is missing: after row %s comes row %s', w.before_id + 1,
                       w.before_id, w.id)
            WHEN w.hash <> w.expected THEN 'the row was changed: its content does not give its hash'
            WHEN w.prev_hash <> w.before_hash THEN
                'the row does not continue the one before it: rows were moved or replaced'
            END AS problem
        FROM walked w
    ), tail AS (
        SELECT h.last_id, h.last_hash, l.id, l.hash
        FROM control_plane.policy_sync_head h
        LEFT JOIN LATERAL (SELECT p.id, p.hash FROM control_plane.policy_sync_log p
                           ORDER BY p.id DESC LIMIT 1) l ON true
    )
    SELECT b.id, b.problem FROM (
        SELECT j.id, j.problem, 0 AS rank FROM judged j WHERE j.problem IS NOT NULL
        UNION ALL
        SELECT coalesce(t.id, 0) + 1,
               format('the newest rows are missing: the head says row %s, the trail ends at row %s',
                      t.last_id, coalesce(t.id, 0)), 1
        FROM tail t WHERE t.last_id <> coalesce(t.id, 0)
        UNION ALL
        SELECT t.id, 'the newest row is not the one the head remembers', 1
        FROM tail t WHERE t.last_id = t.id AND t.last_hash <> t.hash
    ) b ORDER BY b.id, b.rank LIMIT 1
$$;

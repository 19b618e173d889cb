-- The state of one session. PL/pgSQL, because it keeps the plan from call to call; a function in
-- SQL that must not be inlined is planned at every call, which costs more than the look-up itself.
CREATE OR REPLACE FUNCTION control_plane.session_state(session_jti text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT s.state FROM control_plane.session_states s WHERE s.jti = session_jti), 'unknown');
END $$;

-- `session_state(…) = 'valid'`, asked on every request: the first statement finds nearly every
-- valid session, the second decides on the rest. The rights are the definer's, and every name is
-- spelled out, operators included, because to set a search_path costs as much as half a look-up:
-- nothing a caller puts in its own path is ever found here. The tests hold the two together.
CREATE OR REPLACE FUNCTION control_plane.is_session_valid(session_jti text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM control_plane.sessions s
        WHERE s.jti OPERATOR(pg_catalog.=) session_jti AND s.revoked_at IS NULL
            AND s.signed_out_at IS NULL
            AND s.expires_at OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp()
            AND s.tenant_epoch OPERATOR(pg_catalog.=) (
                SELECT t.session_epoch FROM control_plane.tenant_metadata t
                WHERE t.tenant_id OPERATOR(pg_catalog.=) s.tenant_id
                    AND t.status OPERATOR(pg_catalog.=) 'active' AND t.locked_at IS NULL)
            AND s.user_epoch OPERATOR(pg_catalog.=) 1
            AND (SELECT r.auth_user_id FROM control_plane.revoked_users r
                WHERE r.auth_user_id OPERATOR(pg_catalog.=) s.user_id) IS NULL;
    RETURN FOUND
        OR control_plane.session_state(session_jti) OPERATOR(pg_catalog.=) 'valid';
END $$;

-- What revoked a session first: itself (`session revoke --jti`), the lowest epoch of its tenant
-- above its own, or the first epoch of its user above its own. No row while nothing did. What came
-- after the session had expired did not revoke it.
--
-- A session's `user_epoch` is the sum of the user's epoch in the tenant, which begins at 1, and the
-- user's own, which begins at 0; so both are followed in the order they were raised in.
CREATE OR REPLACE FUNCTION control_plane.revocation_of(session_jti text,
    OUT at timestamptz, OUT actor text, OUT reason text) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    SELECT k.at, k.actor, k.reason FROM control_plane.sessions s CROSS JOIN LATERAL (
        SELECT s.revoked_at AS at, s.revoked_by AS actor, s.revoke_reason AS reason
        WHERE s.revoked_at IS NOT NULL
        UNION ALL (
            SELECT e.at, e.actor, CASE e.act WHEN 'delete' THEN coalesce(e.reason,
                'the tenant was deleted') ELSE e.reason END
            FROM control_plane.epochs e
            WHERE e.tenant_id = s.tenant_id AND e.user_id IS NULL AND e.number > s.tenant_epoch
                AND e.at < s.expires_at
            ORDER BY e.number LIMIT 1)
        UNION ALL (
            SELECT u.at, u.actor, u.reason FROM (
                SELECT e.epoch_id, e.at, e.actor, e.reason,
                    coalesce(max(e.number) FILTER (WHERE e.tenant_id IS NOT NULL) OVER raised, 1)
                        + coalesce(max(e.number) FILTER (WHERE e.tenant_id IS NULL) OVER raised, 0)
                        AS number
                FROM control_plane.epochs e
                WHERE e.user_id = s.user_id
                    AND (e.tenant_id IS NULL OR e.tenant_id = s.tenant_id)
                WINDOW raised AS (ORDER BY e.epoch_id)) u
            WHERE u.number > s.user_epoch AND u.at < s.expires_at
            ORDER BY u.epoch_id LIMIT 1)
    ) k WHERE s.jti = session_jti ORDER BY k.at LIMIT 1
$$;

-- Records a session under the epochs of this moment; no row when the tenant takes no sessions, or
-- when an operator removed the user. It waits for nobody's lock: a revocation that commits meanwhile
-- leaves epochs behind that this session does not have, so logins neither wait for a lockdown nor
-- hold one up. For a session that began before it was recorded, `began` is that second (null when that is not
-- known), and one that falls under a mark is not recorded. `word` says by whose word the user belongs
-- to the tenant; it is written once, so the next login again takes no lock.
CREATE OR REPLACE FUNCTION control_plane.record_session(session_jti text, sign_in text,
    subject uuid, tenant uuid, lifetime interval, address inet, on_device text, about jsonb,
    word text DEFAULT NULL, is_continued boolean DEFAULT false, began bigint DEFAULT NULL,
    OUT issued_at timestamptz, OUT expires_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- ON CONFLICT waits for whoever is changing the row that is there; so what is there is looked for
    -- first, and what somebody is changing is left for the next login.
    INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by)
        SELECT subject, t.tenant_id, word FROM control_plane.tenant_metadata t
        WHERE t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL
            AND NOT EXISTS (SELECT FROM control_plane.user_mappings u
                WHERE u.auth_user_id = subject AND u.tenant_id = t.tenant_id)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND AND word IS NOT NULL THEN
        UPDATE control_plane.user_mappings u SET member_by = word
            FROM (SELECT m.auth_user_id, m.tenant_id FROM control_plane.user_mappings m
                JOIN control_plane.tenant_metadata t ON t.tenant_id = m.tenant_id
                WHERE m.auth_user_id = subject AND m.tenant_id = tenant AND m.member_by IS NULL
                    AND m.removed_at IS NULL AND t.status = 'active' AND t.locked_at IS NULL
                FOR NO KEY UPDATE OF m SKIP LOCKED) free
            WHERE u.auth_user_id = free.auth_user_id AND u.tenant_id = free.tenant_id;
    END IF;
    -- Epochs and marks are read by one statement, so they belong together.
    RETURN QUERY INSERT INTO control_plane.sessions AS s (jti, session_id, user_id, tenant_id,
            tenant_epoch, user_epoch, issued_at, expires_at, ip, device, metadata)
        SELECT session_jti, sign_in, subject, tenant, t.session_epoch,
               u.session_epoch + coalesce(m.session_epoch, 0), c.at, c.at + lifetime, address,
               on_device, about
        FROM control_plane.tenant_metadata t
        JOIN control_plane.user_mappings u
            ON u.tenant_id = t.tenant_id AND u.auth_user_id = subject
        LEFT JOIN control_plane.user_marks m ON m.auth_user_id = subject
        CROSS JOIN control_plane.settings g
        CROSS JOIN (SELECT clock_timestamp() AS at) c
        WHERE t.tenant_id = tenant AND t.status = 'active' AND t.locked_at IS NULL
            AND u.removed_at IS NULL
            AND NOT (is_continued AND control_plane.falls_under(began, greatest(
                t.sessions_not_before, u.sessions_not_before, m.sessions_not_before),
                g.clock_skew))
        ON CONFLICT DO NOTHING
        RETURNING s.issued_at, s.expires_at;
END $$;

-- Keeps `revoked_users`.
CREATE OR REPLACE FUNCTION control_plane.remember_revoked_user() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO control_plane.revoked_users (auth_user_id) VALUES (NEW.auth_user_id)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = 'control_plane.user_mappings'::regclass
            AND tgname = 'remember_revoked_user')
    THEN
        CREATE TRIGGER remember_revoked_user AFTER INSERT OR UPDATE ON control_plane.user_marks
            FOR EACH ROW EXECUTE FUNCTION control_plane.remember_revoked_user();
        CREATE TRIGGER remember_revoked_user AFTER INSERT OR UPDATE ON control_plane.user_mappings
            FOR EACH ROW WHEN (NEW.session_epoch <> 1 OR NEW.removed_at IS NOT NULL)
            EXECUTE FUNCTION control_plane.remember_revoked_user();
    END IF;
END $$;

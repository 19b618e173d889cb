-- `is_session_valid` is asked on every request, so what it costs beyond one look-up by key counts.
-- Three things did: a search_path set anew for each call, and two look-ups for epochs of the user
-- that hardly anybody ever raises.

-- Whoever was ever revoked, anywhere: few among many. Who is not here stands at the first epoch in
-- every tenant and has no mark of their own. Kept by the triggers below in the transaction that
-- raises the epoch; a row says `look closer` and nothing else, so it may stay for ever.
CREATE TABLE control_plane.revoked_users (
    auth_user_id uuid PRIMARY KEY
);

CREATE FUNCTION control_plane.remember_revoked_user() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO control_plane.revoked_users (auth_user_id) VALUES (NEW.auth_user_id)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION control_plane.remember_revoked_user() FROM PUBLIC;

CREATE TRIGGER remember_revoked_user AFTER INSERT OR UPDATE ON control_plane.user_marks
    FOR EACH ROW EXECUTE FUNCTION control_plane.remember_revoked_user();
CREATE TRIGGER remember_revoked_user AFTER INSERT OR UPDATE ON control_plane.user_mappings
    FOR EACH ROW WHEN (NEW.session_epoch <> 1)
    EXECUTE FUNCTION control_plane.remember_revoked_user();

-- After the triggers, whose locks keep everybody else from raising an epoch until this commits.
INSERT INTO control_plane.revoked_users (auth_user_id)
    SELECT auth_user_id FROM control_plane.user_marks
    UNION SELECT auth_user_id FROM control_plane.user_mappings WHERE session_epoch <> 1;

-- `session_state(…) = 'valid'`: the first statement finds nearly everybody who is valid, the second
-- decides on everybody else. The rights are the definer's, and every name is spelled out, operators
-- included, because to set a search_path costs as much as half a look-up: nothing a caller puts in
-- its own path is ever found here. The tests hold the two together.
CREATE OR REPLACE FUNCTION control_plane.is_session_valid(session_jti text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM control_plane.sessions s
        WHERE s.jti OPERATOR(pg_catalog.=) session_jti AND s.revoked_at IS NULL
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

COMMENT ON TABLE control_plane.revoked_users IS
    'Users who were ever revoked, in a tenant or everywhere; kept by triggers.';

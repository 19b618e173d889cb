-- Why a number was raised, and by whom: one row for each revocation, lockdown and deletion, written
-- in the commit that raises it. The judgement on a session never reads this table, so an epoch that
-- somebody raised by hand revokes as well; it only has no reason then.
CREATE TABLE control_plane.epochs (
    epoch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A tenant, a user everywhere, or both: a user in that tenant.
    tenant_id uuid REFERENCES control_plane.tenant_metadata,
    user_id uuid,
    -- The epoch as it is from then on. Not unique: what was raised by hand, or lowered, must never
    -- make a revocation fail.
    number bigint NOT NULL,
    act text NOT NULL CHECK (act IN ('revoke', 'lockdown', 'delete')),
    actor text NOT NULL CHECK (octet_length(actor) BETWEEN 1 AND 256),
    reason text CHECK (octet_length(reason) <= 2000),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (num_nonnulls(tenant_id, user_id) > 0)
);
CREATE INDEX epochs_tenant_idx ON control_plane.epochs (tenant_id, number) WHERE user_id IS NULL;
CREATE INDEX epochs_user_idx ON control_plane.epochs (user_id) WHERE user_id IS NOT NULL;

-- The newest session of an epoch that has not run out is one look-up, however many sessions the
-- tenant has.
DROP INDEX control_plane.sessions_tenant_idx;
CREATE INDEX sessions_tenant_idx
    ON control_plane.sessions (tenant_id, tenant_epoch, expires_at);

-- What revoked a session first: itself (`session revoke --jti`), the lowest epoch of its tenant
-- above its own, or the first epoch of its user above its own. No row while nothing did. What came
-- after the session had expired did not revoke it.
--
-- A session's `user_epoch` is the sum of the user's epoch in the tenant, which begins at 1, and the
-- user's own, which begins at 0; so both are followed in the order they were raised in.
CREATE FUNCTION control_plane.revocation_of(session_jti text,
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
REVOKE EXECUTE ON FUNCTION control_plane.revocation_of(text) FROM PUBLIC;

COMMENT ON TABLE control_plane.epochs IS
    'Why each session epoch was raised: act, actor, reason, when.';

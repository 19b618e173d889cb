-- Which auth user works in which tenant. The epoch revokes everything of that user there by raising
-- one number.
CREATE TABLE control_plane.user_mappings (
    auth_user_id uuid NOT NULL,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    role text NOT NULL DEFAULT 'member' CHECK (octet_length(role) BETWEEN 1 AND 63),
    -- By whose word the user belongs here: Auth's (`app_metadata.tenant_id`, as the token hook saw
    -- it) or an operator's (`member add`). Null where only a mark or a session is kept.
    member_by text CHECK (member_by IN ('auth', 'operator')),
    -- When an operator removed the user. Final until an operator adds them again, whatever Auth
    -- says.
    removed_at timestamptz,
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    sessions_not_before timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (auth_user_id, tenant_id)
);
CREATE INDEX user_mappings_tenant_idx ON control_plane.user_mappings (tenant_id);

-- A user's own mark, beside those in each tenant: one row revokes a user everywhere, also where
-- their tenants were never recorded. No row means epoch 0.
CREATE TABLE control_plane.user_marks (
    auth_user_id uuid PRIMARY KEY,
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    sessions_not_before timestamptz NOT NULL
);

-- Users who were ever revoked or removed, anywhere: few among many. A user without a row here stands
-- at the first epoch in every tenant and has no mark of their own, so `is_session_valid` looks up no
-- epoch of theirs. Kept by triggers in the transaction that raises the epoch; a row only says "look
-- closer", so it may stay for ever.
CREATE TABLE control_plane.revoked_users (
    auth_user_id uuid PRIMARY KEY
);

-- A session remembers both epochs of the moment it was issued and is valid only while they stand.
CREATE TABLE control_plane.sessions (
    jti text PRIMARY KEY CHECK (octet_length(jti) BETWEEN 1 AND 255),
    -- Auth's id of the sign-in. A sign-in has a part of its own in each tenant that it worked in.
    session_id text NOT NULL CHECK (octet_length(session_id) BETWEEN 1 AND 255),
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    tenant_epoch bigint NOT NULL,
    user_epoch bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Of `session revoke --jti`; what an epoch revoked is not written to its sessions.
    revoked_at timestamptz,
    revoked_by text,
    revoke_reason text,
    -- When its end in Auth was seen: signed out, or the user deleted.
    signed_out_at timestamptz,
    ip inet,
    device text CHECK (octet_length(device) <= 400),
    metadata jsonb NOT NULL DEFAULT '{}',
    last_seen_at timestamptz,
    CHECK (expires_at > issued_at),
    UNIQUE (session_id, tenant_id),
    FOREIGN KEY (user_id, tenant_id)
        REFERENCES control_plane.user_mappings (auth_user_id, tenant_id)
);
-- The newest session of an epoch that has not expired is one look-up, however many sessions the
-- tenant has.
CREATE INDEX sessions_tenant_idx
    ON control_plane.sessions (tenant_id, tenant_epoch, expires_at);
CREATE INDEX sessions_user_idx ON control_plane.sessions (user_id, issued_at);
CREATE INDEX sessions_expires_idx ON control_plane.sessions (expires_at);

-- Sign-ins that were revoked as a whole, under Auth's id: no further part of them is recorded, and
-- of one that never was recorded this row is all that refuses it.
CREATE TABLE control_plane.revoked_sign_ins (
    session_id text PRIMARY KEY CHECK (octet_length(session_id) BETWEEN 1 AND 255),
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Why an epoch was raised, and by whom: one row for each revocation, lockdown and deletion, written
-- in the commit that raises it. The judgement on a session never reads this table, so an epoch that
-- is raised by hand revokes as well; it only has no reason then.
CREATE TABLE control_plane.epochs (
    epoch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A tenant, a user everywhere, or both: a user in that tenant.
    tenant_id uuid REFERENCES control_plane.tenant_metadata,
    user_id uuid,
    -- The epoch as it is from then on. Not unique: what was raised by hand, or lowered, must never
    -- make a revocation fail.
    number bigint NOT NULL,
    act text NOT NULL CHECK (act IN ('revoke', 'lockdown', 'delete', 'remove')),
    actor text NOT NULL CHECK (octet_length(actor) BETWEEN 1 AND 256),
    reason text CHECK (octet_length(reason) <= 2000),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (num_nonnulls(tenant_id, user_id) > 0)
);
CREATE INDEX epochs_tenant_idx ON control_plane.epochs (tenant_id, number) WHERE user_id IS NULL;
CREATE INDEX epochs_user_idx ON control_plane.epochs (user_id) WHERE user_id IS NOT NULL;

-- The one judgement on sessions, read by the functions and by the command line. Where several marks
-- apply the widest decides: the tenant's before the user's before the session's own. A session's
-- `user_epoch` is the sum of the user's epoch in the tenant and the user's own: both only rise, so
-- the sum stands exactly as long as both do. Nothing is compared with a clock but the expiry, so a
-- login that passes a revocation on the way is dead whichever commits first. A lock counts in
-- whatever status the tenant is.
CREATE VIEW control_plane.session_states AS
SELECT s.*,
       CASE
           WHEN t.locked_at IS NOT NULL THEN 'tenant_locked'
           WHEN t.status <> 'active' OR t.session_epoch <> s.tenant_epoch THEN 'tenant_revoked'
           WHEN u.removed_at IS NOT NULL THEN 'not_a_member'
           WHEN u.session_epoch + coalesce((
               SELECT m.session_epoch FROM control_plane.user_marks m
               WHERE m.auth_user_id = s.user_id), 0) <> s.user_epoch THEN 'user_revoked'
           WHEN s.revoked_at IS NOT NULL THEN 'revoked'
           WHEN s.signed_out_at IS NOT NULL THEN 'signed_out'
           WHEN s.expires_at <= statement_timestamp() THEN 'expired'
           ELSE 'valid'
       END AS state
FROM control_plane.sessions s
JOIN control_plane.tenant_metadata t ON t.tenant_id = s.tenant_id
JOIN control_plane.user_mappings u
    ON u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id;

COMMENT ON TABLE control_plane.revoked_users IS
    'Users who were ever revoked or removed, in a tenant or everywhere; kept by triggers.';
COMMENT ON TABLE control_plane.sessions IS
    'Sessions by JTI; valid while tenant and user epoch are what they were at issue.';
COMMENT ON TABLE control_plane.revoked_sign_ins IS
    'Sign-ins that were revoked as a whole, in every tenant.';
COMMENT ON TABLE control_plane.epochs IS
    'Why each session epoch was raised: act, actor, reason, when.';
COMMENT ON VIEW control_plane.session_states IS
    'Every session with the one judgement on it.';

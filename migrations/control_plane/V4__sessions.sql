-- Who of the auth users works in which tenant. The epoch revokes everything of that user there
-- by raising one number.
CREATE TABLE control_plane.user_mappings (
    auth_user_id uuid NOT NULL,
    tenant_id uuid NOT NULL REFERENCES control_plane.tenant_metadata,
    role text NOT NULL DEFAULT 'member' CHECK (octet_length(role) BETWEEN 1 AND 63),
    session_epoch bigint NOT NULL DEFAULT 1 CHECK (session_epoch >= 1),
    sessions_not_before timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (auth_user_id, tenant_id)
);
CREATE INDEX user_mappings_tenant_idx ON control_plane.user_mappings (tenant_id);

-- A session remembers both epochs of the moment it was issued and is valid only while they stand.
CREATE TABLE control_plane.sessions (
    jti text PRIMARY KEY CHECK (octet_length(jti) BETWEEN 1 AND 255),
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    tenant_epoch bigint NOT NULL,
    user_epoch bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    revoke_reason text,
    ip inet,
    device text CHECK (octet_length(device) <= 400),
    metadata jsonb NOT NULL DEFAULT '{}',
    last_seen_at timestamptz,
    CHECK (expires_at > issued_at),
    FOREIGN KEY (user_id, tenant_id)
        REFERENCES control_plane.user_mappings (auth_user_id, tenant_id)
);
CREATE INDEX sessions_tenant_idx ON control_plane.sessions (tenant_id, user_id, issued_at);
CREATE INDEX sessions_user_idx ON control_plane.sessions (user_id, issued_at);
CREATE INDEX sessions_expires_idx ON control_plane.sessions (expires_at);

-- The one judgement on a session, for the command line, a web backend and the tests alike. Where
-- several marks apply the widest decides: the tenant's before the user's before the session's.
CREATE FUNCTION control_plane.session_state(session_jti text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN t.status = 'locked' THEN 'tenant_locked'
            WHEN t.status <> 'active' OR t.session_epoch <> s.tenant_epoch THEN 'tenant_revoked'
            WHEN u.session_epoch <> s.user_epoch THEN 'user_revoked'
            WHEN s.revoked_at IS NOT NULL THEN 'revoked'
            WHEN s.expires_at <= now() THEN 'expired'
            ELSE 'valid'
        END
        FROM control_plane.sessions s
        JOIN control_plane.tenant_metadata t ON t.tenant_id = s.tenant_id
        JOIN control_plane.user_mappings u
            ON u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id
        WHERE s.jti = session_jti
    ), 'unknown')
$$;

CREATE FUNCTION control_plane.is_session_valid(session_jti text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT control_plane.session_state(session_jti) = 'valid'
$$;

-- Functions are PUBLIC's to run unless someone says otherwise.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA control_plane FROM PUBLIC;

COMMENT ON TABLE control_plane.sessions IS
    'Sessions by JTI; valid while tenant and user epoch are what they were at issue.';

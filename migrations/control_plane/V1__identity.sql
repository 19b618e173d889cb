-- Which control plane this is. Its id is stamped into every tenant database, so that two control
-- planes on one cluster never mistake each other's tenants for their own.
CREATE TABLE control_plane.identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    control_plane_id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO control_plane.identity DEFAULT VALUES;

-- Which text of the functions is installed (`migrations/functions/control_plane`), and by which
-- tenantctl. Written in the transaction that replaces them.
CREATE TABLE control_plane.functions (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    checksum text NOT NULL,
    installed_by text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE control_plane.functions IS
    'One row: the checksum of the installed functions, and the tenantctl that installed them.';

-- What an installation decides once.
CREATE TABLE control_plane.settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Whether a token passes whose session was not recorded and against which nothing speaks: yes
    -- in a project without our token hook, no once every session is recorded at login.
    unrecorded_passes boolean NOT NULL DEFAULT false,
    -- How far the clock of the token's issuer may be ahead of this database's. Hosted, Auth runs
    -- beside its database and the answer is zero. A token without a recorded session that was
    -- issued up to this long after a mark counts as revoked, also when the user signed in again
    -- that quickly. At most the minute beyond which a token counts as issued in the future.
    clock_skew interval NOT NULL DEFAULT '0'
        CHECK (clock_skew BETWEEN interval '0' AND interval '1 minute')
);
INSERT INTO control_plane.settings DEFAULT VALUES;

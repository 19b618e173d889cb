-- Tenants in Supabase projects of their own, and tenants that were there before us.

-- A project's pooler wants the project's ref behind the login's name; its own host does not.
ALTER TABLE control_plane.tenant_metadata ADD COLUMN pooled boolean NOT NULL DEFAULT false;

ALTER TABLE control_plane.operations DROP CONSTRAINT operations_kind_check;
ALTER TABLE control_plane.operations ADD CONSTRAINT operations_kind_check
    CHECK (kind IN ('create', 'delete', 'restore', 'purge', 'rotate', 'adopt'));

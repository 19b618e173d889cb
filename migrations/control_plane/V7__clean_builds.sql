-- What a database looks like that nobody touched since our migrations made it.
CREATE TABLE control_plane.clean_builds (
    -- A hash of all that it depends on: migrations and functions, the server's version, the statement
    -- that reads a catalog.
    key text PRIMARY KEY,
    -- Over all objects; a database with the same has the same catalog.
    digest text NOT NULL,
    -- Kind, name and hash of each object, so that a difference can be named.
    objects jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE control_plane.clean_builds IS
    'The catalog of a clean build of each schema; migrate status --verify compares with it.';

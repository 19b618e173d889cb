-- What a client could reach past row security, beside how many tables carry a tenant's id. Partitions
-- and what lies outside public count where a client has a privilege for them: a partition that is only
-- reached through its table is bound by the table's policies.
WITH RECURSIVE spaces AS (
  SELECT n.oid FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tenantctl')
    AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
    AND n.nspname NOT IN ('extensions', 'graphql', 'graphql_public', 'vault', 'pgsodium', 'net', 'cron')
), clients AS (
  SELECT r.rolname AS role FROM pg_roles r WHERE r.rolname IN ('tenantctl_app', 'anon', 'authenticated')
), rels AS MATERIALIZED (
  SELECT c.*, format('%I.%I', c.relnamespace::regnamespace::text, c.relname) AS name, (SELECT string_agg(k.role, ', ' ORDER BY k.role) FROM clients k
    WHERE has_schema_privilege(k.role, c.relnamespace, 'USAGE')
      AND (has_any_column_privilege(k.role, c.oid, 'SELECT, INSERT, UPDATE')
        OR has_table_privilege(k.role, c.oid, 'DELETE, TRUNCATE'))) AS clients
  FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm')
), tenants AS (
  SELECT r.oid FROM rels r WHERE r.relkind IN ('r', 'p') AND EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
), derived AS (
  SELECT oid FROM tenants
  UNION
  SELECT w.ev_class FROM derived d JOIN pg_depend p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = d.oid
    AND p.classid = 'pg_rewrite'::regclass JOIN pg_rewrite w ON w.oid = p.objid
), findings (text, relation, line) AS (
  SELECT 'row security is not forced on ' || r.oid::regclass, r.name,
    format('SELECT tenantctl.protect(%L);', r.name) FROM rels r JOIN tenants t USING (oid)
  WHERE NOT (r.relrowsecurity AND r.relforcerowsecurity)
    AND (r.clients IS NOT NULL OR NOT r.relispartition AND r.relnamespace = 'public'::regnamespace)
  UNION ALL
  SELECT 'the view ' || r.oid::regclass || ' gives ' || r.clients
    || ' what its owner may read: it lacks security_invoker', r.name,
    format('ALTER VIEW %s SET (security_invoker = true);', r.name)
  FROM rels r JOIN derived d USING (oid)
  WHERE r.relkind = 'v' AND r.clients IS NOT NULL
    AND NOT coalesce(r.reloptions::text ~ 'security_invoker=(true|on|1|yes)', false)
  UNION ALL
  SELECT 'the materialized view ' || r.oid::regclass || ' gives ' || r.clients
    || ' what it holds: it can have no row security', r.name,
    format('REVOKE ALL ON %s FROM %s;', r.name, r.clients)
  FROM rels r JOIN derived d USING (oid) WHERE r.relkind = 'm' AND r.clients IS NOT NULL
  UNION ALL
  SELECT p.oid::regprocedure || ' runs with the rights of ' || o.rolname || ' for '
    || string_agg(k.role, ', ' ORDER BY k.role) || ' under a search_path of theirs', NULL,
    format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp;', p.oid::regprocedure)
  FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner, clients k
  WHERE p.prosecdef AND has_function_privilege(k.role, p.oid, 'EXECUTE')
    AND has_schema_privilege(k.role, p.pronamespace, 'USAGE')
    AND p.prosqlbody IS NULL AND NOT coalesce(p.proconfig::text ~ 'search_path=', false)
    -- Nobody calls a trigger's function.
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND NOT EXISTS (SELECT FROM pg_depend e
      WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
  GROUP BY p.oid, o.rolname
)
SELECT (SELECT count(*) FROM tenants t JOIN rels r USING (oid) WHERE NOT r.relispartition) AS tables,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('text', f.text, 'relation', f.relation, 'line', f.line)
    ORDER BY f.text), '[]') FROM findings f) AS findings,
  has_database_privilege('public', current_database(), 'CONNECT') AS is_public

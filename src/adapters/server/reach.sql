-- What clients may try in this database after a lockdown: $1 is the tenant's login, $2 its id, $3 its
-- database's name, and null where others than the tenant connect to it as well. A row for each role,
-- relation and command that a privilege allows, with the statement that tries it and, where the catalog
-- shows it already, why the gate does not refuse it.
WITH spaces AS (
  SELECT n.oid, n.nspname FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
    AND n.nspname NOT IN ('extensions', 'graphql', 'graphql_public', 'vault', 'pgsodium', 'net', 'cron')
), clients AS MATERIALIZED (
  SELECT r.oid, r.rolname::text AS role, r.rolbypassrls OR r.rolsuper AS bypasses,
    $3::text IS NULL OR r.rolname::text IN ($1, 'tenantctl_app') OR EXISTS (SELECT FROM pg_roles l
      WHERE l.rolcanlogin AND NOT l.rolsuper AND NOT l.rolcreaterole AND pg_has_role(l.oid, r.oid, 'MEMBER')
        AND has_database_privilege(l.oid, current_database(), 'CONNECT')) AS is_reachable
  FROM pg_roles r
  WHERE r.rolname::text IN ($1, 'tenantctl_app', 'anon', 'authenticated')
    OR $3::text IS NOT NULL AND r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolcreaterole AND r.oid IN (
      SELECT a.grantee FROM pg_database d, aclexplode(d.datacl) a
      WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT')
), rels AS MATERIALIZED (
  SELECT c.*, format('%I.%I', s.nspname, c.relname) AS name
  FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
), allowed AS MATERIALIZED (
  SELECT k.oid AS client, k.role, k.is_reachable, r.oid AS rel, r.relowner, r.name, r.relkind, c.command,
    CASE c.command WHEN 'select' THEN 'r' WHEN 'insert' THEN 'a' WHEN 'update' THEN 'w' ELSE 'd' END AS code,
    r.relrowsecurity AND NOT k.bypasses
      AND (r.relforcerowsecurity OR NOT pg_has_role(k.oid, r.relowner, 'USAGE')) AS is_bound
  FROM rels r CROSS JOIN clients k CROSS JOIN (VALUES ('select'), ('insert'), ('update'), ('delete'), ('truncate')) c(command)
  WHERE pg_has_role(k.oid, r.relowner, 'MEMBER') AND c.command = 'select'
    OR has_schema_privilege(k.oid, r.relnamespace, 'USAGE')
    AND CASE WHEN c.command IN ('delete', 'truncate') THEN has_table_privilege(k.oid, r.oid, c.command)
      ELSE has_any_column_privilege(k.oid, r.oid, c.command) END
    AND (c.command = 'select' OR r.relkind IN ('r', 'p') OR r.relkind = 'v' AND c.command <> 'truncate'
      AND pg_relation_is_updatable(r.oid, false) & CASE c.command WHEN 'update' THEN 4 WHEN 'insert' THEN 8 ELSE 16 END <> 0)
), judged AS (
  SELECT a.*, CASE
    WHEN pg_has_role(a.client, a.relowner, 'MEMBER') THEN 'may act as its owner'
    WHEN a.relkind IN ('m', 'f') THEN 'has no row security'
    WHEN a.command = 'truncate' THEN 'no policy is asked'
    WHEN a.relkind = 'v' THEN (SELECT CASE WHEN o.rolsuper OR o.rolbypassrls THEN 'reads with the rights of ' || o.rolname END
      FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
      WHERE c.oid = a.rel AND NOT coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1|yes)', false))
    WHEN NOT a.is_bound THEN 'no row security binds it'
    WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = a.rel AND NOT p.polpermissive
        AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) u(r) WHERE pg_has_role(a.client, u.r, 'USAGE')))
        AND p.polcmd IN ('*', a.code)
        AND CASE a.command WHEN 'insert' THEN coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid))
          ELSE pg_get_expr(p.polqual, p.polrelid) END
          ~ '^(\( SELECT tenantctl\.access_allowed\(\) AS access_allowed\)$|\(\( SELECT tenantctl\.access_allowed\(\) AS access_allowed\) AND )')
      AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = a.rel AND p.polpermissive
        AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) u(r) WHERE pg_has_role(a.client, u.r, 'USAGE')))
        AND p.polcmd IN ('*', a.code))
      THEN 'no restrictive policy asks the gate'
    END AS hole
  FROM allowed a
)
SELECT j.role, j.is_reachable, j.name AS what, j.command, j.hole AS why, CASE
  WHEN j.relkind = 'f' OR j.command = 'truncate' OR j.relkind = 'v' AND j.command = 'insert'
    -- Statements that would run what stands on the table: triggers of statements, rules, and what
    -- looks at a row before policies do.
    OR j.relkind <> 'v' AND EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = j.rel)
    OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = j.rel AND NOT t.tgisinternal AND t.tgenabled <> 'D'
      AND t.tgtype & CASE j.command WHEN 'insert' THEN 4 WHEN 'delete' THEN 8 WHEN 'update' THEN 16 ELSE 0 END <> 0
      AND (t.tgtype & 1 = 0 OR j.command = 'insert' AND t.tgtype & 2 <> 0)) THEN NULL
  WHEN j.command = 'select' THEN format('SELECT 1 FROM %s LIMIT 1', j.name)
  WHEN j.command = 'delete' THEN format('DELETE FROM %s WHERE %s', j.name, b.raises)
  WHEN j.command = 'update' THEN (SELECT format('UPDATE %s SET %I = DEFAULT WHERE %s', j.name, c.attname, b.raises)
    FROM pg_attribute c WHERE c.attrelid = j.rel AND c.attnum > 0 AND NOT c.attisdropped
      AND has_column_privilege(j.client, j.rel, c.attnum, 'update') ORDER BY c.attnum LIMIT 1)
  WHEN EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = j.rel AND c.attname = 'tenant_id' AND NOT c.attisdropped
      AND has_column_privilege(j.client, j.rel, c.attnum, 'insert'))
    THEN format('INSERT INTO %s (tenant_id) VALUES (%L)', j.name, $2::text)
  ELSE format('INSERT INTO %s DEFAULT VALUES', j.name)
  END AS statement
-- Raises 22012 at the first row that the policies let through, before anything is done to it.
FROM judged j, (VALUES ('1 OPERATOR(pg_catalog./) pg_catalog.floor(pg_catalog.random())::pg_catalog.int4'
  ' OPERATOR(pg_catalog.=) 1')) b(raises)
UNION ALL
SELECT k.role, k.is_reachable, p.oid::regprocedure::text, 'execute', CASE
    WHEN pg_has_role(k.oid, p.proowner, 'MEMBER') THEN 'may act as its owner'
    ELSE 'runs with the rights of ' || o.rolname END, NULL
FROM clients k, pg_proc p JOIN spaces s ON s.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner
WHERE (pg_has_role(k.oid, p.proowner, 'MEMBER') AND s.nspname = 'tenantctl'
    OR p.prosecdef AND (o.rolsuper OR o.rolbypassrls)
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND has_function_privilege(k.oid, p.oid, 'EXECUTE')
      AND has_schema_privilege(k.oid, p.pronamespace, 'USAGE'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT r.rolname::text, true, 'the database', 'connect', 'the owner of everything may log in', NULL
FROM pg_roles r WHERE r.rolname = 'tenantctl_owner' AND r.rolcanlogin
UNION ALL
SELECT 'PUBLIC', true, 'the database', 'connect', 'every role of the server may connect', NULL
WHERE $3::text IS NOT NULL AND has_database_privilege('public', current_database(), 'CONNECT')
ORDER BY 1, 3, 4

-- A database's catalog, object by object, for the tenant's login and with the digest that makes the list
-- of objects superfluous. Extensions' objects and the schemas of Supabase's own services change with
-- their versions and are left out.
WITH names AS MATERIALIZED (
  SELECT oid, CASE WHEN rolname::text = $1 THEN 'the login' ELSE rolname::text END AS name
  FROM pg_roles UNION ALL SELECT 0, 'PUBLIC'
), spaces AS MATERIALIZED (
  SELECT n.oid, n.nspname::text AS name, n.nspowner, n.nspacl FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
    AND n.nspname NOT IN ('extensions', 'graphql', 'graphql_public', 'vault', 'pgsodium', 'net', 'cron')
), extended AS MATERIALIZED (
  SELECT classid, objid FROM pg_depend
  WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
), rels AS MATERIALIZED (
  SELECT c.*, s.name || '.' || c.relname AS path,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
      WHEN 'f' THEN 'foreign table' ELSE 'table' END || ' ' || s.name || '.' || c.relname AS name
  FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
), procs AS MATERIALIZED (
  SELECT p.*, 'function ' || s.name || '.' || p.proname || '('
      || pg_get_function_identity_arguments(p.oid) || ')' AS name
  FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
), granted AS (
  SELECT r.name AS parent, r.relowner AS owner, a.* FROM rels r,
    aclexplode(coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) a
  UNION ALL
  SELECT 'column ' || r.path || '.' || t.attname, r.relowner, a.*
  FROM rels r JOIN pg_attribute t ON t.attrelid = r.oid, aclexplode(t.attacl) a WHERE NOT t.attisdropped
  UNION ALL
  SELECT p.name, p.proowner, a.*
  FROM procs p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  UNION ALL
  SELECT 'schema ' || s.name, s.nspowner, a.*
  FROM spaces s, aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) a
  UNION ALL
  SELECT 'the database', d.datdba, a.*
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
  WHERE d.datname = current_database()
), objects (kind, parent, name, text) AS (
  SELECT 'schema', '', 'schema ' || s.name, '' FROM spaces s
  UNION ALL
  SELECT 'owner', o.of, 'owner of ' || o.of, n.name FROM (
    SELECT 'schema ' || name, nspowner FROM spaces UNION ALL SELECT name, relowner FROM rels
    UNION ALL SELECT name, proowner FROM procs
    UNION ALL SELECT 'the database', datdba FROM pg_database WHERE datname = current_database()
  ) o(of, oid) JOIN names n USING (oid)
  UNION ALL
  SELECT 'table', '', r.name, concat_ws(' ', r.relkind, r.relpersistence, r.reloptions,
    CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END,
    pg_get_expr(r.relpartbound, r.oid),
    (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = r.oid),
    (SELECT concat_ws(' ', format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcycle)
      FROM pg_sequence q WHERE q.seqrelid = r.oid))
  FROM rels r
  UNION ALL
  SELECT 'row security', r.name, 'row security of ' || r.path, concat_ws(' ', r.relrowsecurity, r.relforcerowsecurity)
  FROM rels r WHERE r.relkind IN ('r', 'p')
  UNION ALL
  SELECT 'column', r.name, 'column ' || r.path || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid))
  FROM rels r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind <> 'S'
  UNION ALL
  SELECT 'constraint', r.name, 'constraint ' || c.conname || ' on ' || r.path, concat_ws(' ', c.convalidated, pg_get_constraintdef(c.oid))
  FROM rels r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype NOT IN ('n', 't')
  UNION ALL
  SELECT 'index', r.name, 'index ' || c.relname || ' on ' || r.path,
    concat_ws(' ', i.indisvalid, i.indisready, i.indislive, i.indisreplident, pg_get_indexdef(i.indexrelid))
  FROM rels r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
  UNION ALL
  SELECT 'policy', r.name, 'policy ' || p.polname || ' on ' || r.path, concat_ws(' ', p.polpermissive, p.polcmd,
    (SELECT string_agg(n.name, ',' ORDER BY n.name) FROM names n WHERE n.oid = ANY (p.polroles)),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
  FROM rels r JOIN pg_policy p ON p.polrelid = r.oid
  UNION ALL
  SELECT 'trigger', r.name, 'trigger ' || t.tgname || ' on ' || r.path, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
  FROM rels r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT 'trigger', r.name, 'foreign keys'' triggers on ' || r.path, string_agg(DISTINCT t.tgenabled::text, '')
  FROM rels r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE t.tgisinternal GROUP BY r.name, r.path
  UNION ALL
  SELECT 'rule', r.name, 'rule ' || w.rulename || ' on ' || r.path, concat_ws(' ', w.ev_enabled, pg_get_ruledef(w.oid))
  FROM rels r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT CASE WHEN p.prosecdef THEN 'definer' ELSE 'function' END, '', p.name,
    CASE WHEN p.prokind = 'a' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END
  FROM procs p
  UNION ALL
  SELECT 'type', '', 'type ' || s.name || '.' || t.typname, concat_ws(' ', t.typtype, n.name,
    format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
    (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    (SELECT string_agg(c.conname || pg_get_constraintdef(c.oid), ',' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid))
  FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace JOIN names n ON n.oid = t.typowner
  WHERE t.typtype IN ('e', 'd', 'r')
    AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
  UNION ALL
  SELECT 'grant', g.parent, 'grant of ' || string_agg(g.privilege_type || CASE WHEN g.is_grantable
      THEN ' with grant option' ELSE '' END, ', ' ORDER BY g.privilege_type) || ' on ' || g.parent || ' to ' || n.name, ''
  FROM granted g JOIN names n ON n.oid = g.grantee WHERE g.grantee <> g.owner
  GROUP BY g.parent, g.privilege_type, g.is_grantable, n.name
  UNION ALL
  SELECT 'default privileges', '', 'default privileges of ' || o.name || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables'
      WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END
      || coalesce(' in schema ' || s.name, ''),
    (SELECT string_agg(concat_ws(' ', n.name, a.privilege_type, a.is_grantable), ',' ORDER BY n.name, a.privilege_type)
      FROM aclexplode(d.defaclacl) a JOIN names n ON n.oid = a.grantee)
  FROM pg_default_acl d JOIN names o ON o.oid = d.defaclrole LEFT JOIN spaces s ON s.oid = d.defaclnamespace
  WHERE (d.defaclnamespace = 0 OR s.oid IS NOT NULL) AND o.name !~ '^supabase_'
  UNION ALL
  SELECT 'event trigger', '', 'event trigger ' || e.evtname, concat_ws(' ', n.name, e.evtevent, e.evtenabled, e.evttags, e.evtfoid::regprocedure)
  FROM pg_event_trigger e JOIN names n ON n.oid = e.evtowner WHERE n.name !~ '^supabase_'
  UNION ALL
  SELECT 'extension', '', 'extension ' || e.extname, e.extnamespace::regnamespace::text FROM pg_extension e
  UNION ALL
  SELECT 'publication', '', 'publication ' || p.pubname, concat_ws(' ', n.name, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete)
  FROM pg_publication p JOIN names n ON n.oid = p.pubowner WHERE n.name !~ '^supabase_'
  UNION ALL
  SELECT 'setting', '', 'setting ' || split_part(c.text, '=', 1) || coalesce(' of ' || n.name, '')
      || CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END, c.text
  FROM pg_db_role_setting s LEFT JOIN names n ON n.oid = s.setrole AND s.setrole <> 0, unnest(s.setconfig) c(text)
  WHERE s.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    OR s.setdatabase = 0 AND n.name IN ('the login', 'tenantctl_owner', 'tenantctl_app')
  UNION ALL
  -- Roles belong to the whole server and are judged by what they should be, not by a clean build
  -- beside which they were changed as well.
  SELECT 'role', '', n.name || ' may ' || w.what, '' FROM pg_roles r JOIN names n USING (oid),
    LATERAL (VALUES (r.rolsuper, 'do everything: it is a superuser'), (r.rolbypassrls, 'bypass row security'),
      (r.rolcreaterole, 'create roles'), (r.rolcreatedb, 'create databases'), (r.rolreplication, 'replicate'),
      (r.rolcanlogin AND n.name <> 'the login', 'log in')) w(holds, what)
  WHERE w.holds AND n.name IN ('the login', 'tenantctl_owner', 'tenantctl_app', 'anon', 'authenticated')
  UNION ALL
  SELECT 'role', '', n.name || ' is a member of ' || g.name, ''
  FROM pg_roles r JOIN names n USING (oid), names g
  WHERE n.name IN ('the login', 'tenantctl_owner', 'tenantctl_app', 'anon', 'authenticated')
    AND NOT r.rolsuper AND g.oid NOT IN (0, r.oid) AND pg_has_role(r.oid, g.oid, 'MEMBER')
    AND NOT (n.name = 'the login' AND g.name = 'tenantctl_app')
    AND NOT (n.name = 'tenantctl_owner' AND g.name = 'pg_database_owner')
  UNION
  SELECT 'role', '', n.name || ' is a member of ' || g.name, ''
  FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN names n ON n.oid = m.member JOIN names g ON g.oid = m.roleid
  WHERE NOT r.rolsuper AND CASE g.name
    WHEN 'the login' THEN coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
      OR coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
    WHEN 'tenantctl_owner' THEN NOT r.rolcreaterole
    WHEN 'tenantctl_app' THEN NOT r.rolcreaterole AND n.name <> 'the login'
      AND coalesce(shobj_description(r.oid, 'pg_authid'), '') NOT LIKE '{"tenantctl":%'
    ELSE false END
), hashed AS (
  SELECT kind, parent, name, left(md5(text), 16) AS hash FROM objects
), whole AS (
  SELECT coalesce(md5(string_agg(concat_ws(E'\x01', kind, parent, name, hash), E'\x02' ORDER BY name COLLATE "C", kind COLLATE "C", hash COLLATE "C")), '') AS digest
  FROM hashed WHERE kind <> 'role'
)
SELECT w.digest, current_setting('server_version_num') AS server,
  (SELECT coalesce(string_agg(r.rolname::text, ',' ORDER BY r.rolname), '') FROM pg_roles r
    WHERE r.rolname IN ('anon', 'authenticated')) AS api_roles,
  coalesce((SELECT jsonb_agg(jsonb_build_object('kind', h.kind, 'parent', h.parent, 'name', h.name, 'hash', h.hash) ORDER BY h.name COLLATE "C")
  FROM hashed h WHERE h.kind = 'role' OR w.digest IS DISTINCT FROM $2), '[]') AS objects
FROM whole w

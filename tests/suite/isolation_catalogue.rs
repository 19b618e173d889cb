//! The walls between tenants as the catalogue and the planner show them.

use crate::support::two::{Two, make_two, session_as, two};
use crate::support::{Session, server};

/// Everything the catalogue has to say against the walls, one finding a line; `probe_rows` finds
/// what this does not.
const FINDINGS: &str = "
WITH tables AS (
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
), policies AS (
    SELECT t.relname, p.polpermissive, p.polcmd,
           pg_get_expr(p.polqual, p.polrelid) AS qual,
           pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
           p.polroles = '{0}' AS for_all
    FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
), functions AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, p.proowner, p.proacl, p.prosecdef, p.proconfig,
           p.prosqlbody
    FROM pg_proc p WHERE p.pronamespace IN ('public'::regnamespace, 'tenantctl'::regnamespace)
)
SELECT relname || ' has no tenant_id' FROM tables t WHERE NOT EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnotnull)
UNION ALL
SELECT relname || ' has row security not enabled and forced' FROM tables
WHERE NOT (relrowsecurity AND relforcerowsecurity)
UNION ALL
SELECT relname || ' belongs to ' || pg_get_userbyid(relowner) FROM tables
WHERE pg_get_userbyid(relowner) <> 'tenantctl_owner'
UNION ALL
SELECT t.relname || ' has no ' || k.kind || ' policy for all commands and roles'
FROM tables t CROSS JOIN (VALUES (true, 'permissive'), (false, 'restrictive')) k(flag, kind)
WHERE NOT EXISTS (SELECT FROM policies p
    WHERE p.relname = t.relname AND p.polpermissive = k.flag AND p.polcmd = '*' AND p.for_all)
UNION ALL
SELECT relname || ' has a policy without ' || part.name || ' of its own: ' || coalesce(part.text, '-')
FROM policies, LATERAL (VALUES ('USING', qual), ('WITH CHECK', with_check)) part(name, text)
WHERE part.text IS NULL
   OR part.text !~ 'tenant_id = \\( *SELECT tenantctl.current_tenant\\(\\)'
   OR (NOT polpermissive AND part.text !~ '\\( *SELECT tenantctl.access_allowed\\(\\)')
   OR part.text ~* '\\mtrue\\M|\\mor\\M'
UNION ALL
SELECT relname || ': ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ' holds ' ||
       a.privilege_type
FROM tables, aclexplode(relacl) a WHERE a.grantee <> relowner
  AND (a.grantee = 0 OR a.is_grantable OR a.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
UNION ALL
SELECT 'tenantctl.' || c.relname || ' is granted to ' || a.grantee::regrole
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'tenantctl'::regnamespace AND a.grantee <> c.relowner
UNION ALL
SELECT name || ' is executable by PUBLIC' FROM functions f
WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0)
UNION ALL
SELECT name || ' takes its names from the caller''s search_path' FROM functions
WHERE prosqlbody IS NULL AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog%', false)
UNION ALL
SELECT name || ' runs with the rights of ' || pg_get_userbyid(proowner) FROM functions
WHERE prosecdef AND name <> 'tenantctl.access_allowed()'
UNION ALL
SELECT t.relname || ' has a key that does not begin with tenant_id' FROM tables t
JOIN pg_index i ON i.indrelid = t.oid
WHERE (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = i.indkey[0]) <> 'tenant_id'
UNION ALL
SELECT conname || ' does not carry tenant_id' FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace
  AND (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) <> 'tenant_id'
UNION ALL
SELECT conname || ' is not indexed' FROM pg_constraint k
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
      AND i.indkey[0] = k.conkey[1] AND i.indkey[1] = k.conkey[2])
UNION ALL
SELECT c.oid::regclass || ' is a view with the rights of its owner' FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
  AND NOT coalesce(c.reloptions::text LIKE '%security_invoker=true%', false)
ORDER BY 1";

#[test]
fn the_catalogue_shows_no_hole() {
    let two = two();
    let mut operator = server().operator(&two.acme.database);
    assert_eq!(operator.ask(FINDINGS), "");
    // Who migrates later makes functions that are closed as well.
    let later = operator.says_and_undoes(&[
        "SET LOCAL ROLE tenantctl_owner",
        "CREATE FUNCTION public.later() RETURNS int LANGUAGE sql SET search_path = pg_catalog \
         AS 'SELECT 1'",
        FINDINGS,
    ]);
    assert_eq!(later, "");
    let executable = operator.ask(
        "SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc \
         WHERE pronamespace IN ('public'::regnamespace, 'tenantctl'::regnamespace) \
         AND has_function_privilege('tenantctl_app', oid, 'EXECUTE')",
    );
    assert_eq!(executable, "access_allowed,current_tenant,request_claims,tenant_with_claims");
    let login = operator.ask(&format!(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolconnlimit > 0 \
         FROM pg_roles WHERE rolname = '{}'",
        two.acme.database
    ));
    assert_eq!(login, "f|f|f|f|f|t");
}

/// Looks at one table as the application, the owner and a locked-out application would, inside the
/// transaction that may have broken it; returns what should not be.
fn probe_rows(superuser: &mut Session, two: &Two, table: &str) -> Vec<&'static str> {
    let (login, a, b) = (&two.acme.database, &two.acme.id, &two.globex.id);
    let mut findings = Vec::new();
    let mut look =
        |steps: &[&str], statement: &str, is_expected: &dyn Fn(&str) -> bool, finding| {
            superuser.ask("SAVEPOINT probe");
            for step in steps {
                superuser.ask(step);
            }
            if !is_expected(&superuser.says(statement)) {
                findings.push(finding);
            }
            superuser.ask("ROLLBACK TO probe");
        };
    let become_login = format!("SET LOCAL ROLE {login}");
    let id = |id: &str| format!("SET LOCAL app.current_tenant_id = '{id}'");
    let (own_id, other_id) = (id(a), id(b));
    let count = format!("SELECT count(*) FROM {table}");
    let foreign = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{b}'");
    let insert = format!("INSERT INTO {table} (tenant_id) VALUES ('{b}')");
    let is_none = |said: &str| said == "0";
    let is_refused = |said: &str| said == "ERROR 42501";
    let become_owner = "SET LOCAL ROLE tenantctl_owner";
    look(&[&become_login, &own_id], &count, &|said| !is_none(said), "own rows are not seen");
    look(&[&become_login, &own_id], &foreign, &is_none, "another tenant's rows are seen");
    look(&[&become_login], &count, &is_none, "rows are seen without an id");
    look(&[&become_login, &other_id], &count, &is_none, "another id is let in");
    look(&[&become_login, &own_id], &insert, &is_refused, "another tenant's rows are written");
    look(&[become_owner], &count, &is_none, "the owner is not bound");
    let shut = "UPDATE tenantctl.gate SET locked = true";
    look(&[shut, &become_login, &own_id], &count, &is_none, "a locked gate lets in");
    findings
}

#[test]
fn the_probe_notices_every_wall_that_is_taken_down() {
    // Of its own: every mutation locks the table until it is undone.
    let two = make_two();
    let mut superuser = server().superuser(&two.acme.database);
    for table in &two.tables {
        superuser.ask("BEGIN");
        assert_eq!(probe_rows(&mut superuser, &two, table), [""; 0], "{table}");
        superuser.ask("ROLLBACK");
        let wide = "(tenant_id IS NOT NULL)";
        for (mutation, is_seen_in_rows) in [
            ("DROP POLICY own_tenant ON %".to_owned(), true),
            ("DROP POLICY gate_open ON %".to_owned(), true),
            ("ALTER TABLE % NO FORCE ROW LEVEL SECURITY".to_owned(), true),
            ("ALTER TABLE % DISABLE ROW LEVEL SECURITY".to_owned(), true),
            (
                "DROP POLICY gate_open ON %; CREATE POLICY wide ON % USING (true) WITH CHECK (true)"
                    .to_owned(),
                true,
            ),
            (
                format!(
                    "ALTER POLICY own_tenant ON % USING {wide} WITH CHECK {wide}; \
                     ALTER POLICY gate_open ON % USING {wide} WITH CHECK {wide}"
                ),
                true,
            ),
            // Each policy alone still holds against these; the catalogue tells.
            (format!("ALTER POLICY own_tenant ON % USING {wide}"), false),
            (format!("ALTER POLICY own_tenant ON % WITH CHECK {wide}"), false),
            (format!("ALTER POLICY gate_open ON % WITH CHECK {wide}"), false),
            ("CREATE POLICY careless ON % USING (true)".to_owned(), false),
            ("GRANT TRUNCATE ON % TO tenantctl_app".to_owned(), false),
        ] {
            let mutation = mutation.replace('%', table);
            superuser.ask("BEGIN");
            superuser.ask(&mutation);
            let in_catalogue = superuser.ask(FINDINGS);
            let in_rows = probe_rows(&mut superuser, &two, table);
            superuser.ask("ROLLBACK");
            assert!(in_catalogue.contains(table.as_str()), "{mutation}: {in_catalogue:?}");
            assert_eq!(!in_rows.is_empty(), is_seen_in_rows, "{mutation}: {in_rows:?}");
        }
    }
    for mutation in [
        "CREATE TABLE public.notes (id int)",
        "GRANT EXECUTE ON FUNCTION tenantctl.access_allowed() TO PUBLIC",
        "GRANT SELECT ON tenantctl.gate TO tenantctl_app",
        "ALTER VIEW public.employees_directory RESET (security_invoker)",
        "CREATE FUNCTION public.trap() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        assert_ne!(superuser.says_and_undoes(&[mutation, FINDINGS]), "", "{mutation}");
    }
}

#[test]
fn the_policies_ask_once_for_a_statement() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    for table in &two.tables {
        let plan = login.ask(&format!("EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM {table}"));
        let init_plans = plan.lines().filter(|line| line.trim().starts_with("InitPlan")).count();
        assert!(init_plans >= 2, "{table}:\n{plan}");
        for line in plan.lines().filter(|l| l.contains("Filter:") || l.contains("Cond:")) {
            for function in ["access_allowed(", "current_tenant(", "current_setting("] {
                assert!(!line.contains(function), "{table} asks for every row:\n{plan}");
            }
        }
    }
    // Counted by the server itself, over more rows than one.
    let mut superuser = server().superuser(&two.acme.database);
    superuser.ask("SET track_functions = 'all'");
    let calls = superuser.says_and_undoes(&[
        &format!("SET LOCAL ROLE {}", two.acme.database),
        &format!("SET LOCAL app.current_tenant_id = '{}'", two.acme.id),
        "SELECT count(*) FROM inventory",
        "RESET ROLE",
        "SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'access_allowed'",
    ]);
    assert_eq!(calls, "1");
}

#[test]
fn a_parallel_plan_is_bound_in_the_same_way() {
    let two = two();
    let mut login = two.acme.login();
    login.ask(
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; \
         SET min_parallel_table_scan_size = 0; SET enable_indexscan = off; \
         SET enable_indexonlyscan = off; SET enable_bitmapscan = off",
    );
    let count = "SELECT count(*) FROM sales_order_items";
    login.ask(&format!("SET app.current_tenant_id = '{}'", two.acme.id));
    let plan = login.ask(&format!("EXPLAIN (COSTS OFF) {count}"));
    assert!(plan.contains("Gather"), "the plan is not parallel:\n{plan}");
    let own = login.ask(count);
    assert_ne!(own, "0");
    login.ask(&format!(
        r#"SET request.jwt.claims = '{{"iat": 1, "app_metadata": {{"tenant_id": "{}"}}}}'"#,
        two.acme.id
    ));
    assert_eq!(login.ask(count), own);
    login.ask("SET request.jwt.claims = '{oops'");
    assert_eq!(login.ask(count), "0");
}

//! Whose rows a tenant's login reaches: its own, in its own database, and nothing else at all.
//!
//! Everything is tried with the login's real password on a database that also holds the other
//! tenant's rows, which no code of ours would ever put there: what keeps them apart here is the
//! schema alone.

use std::sync::OnceLock;

use crate::support::{Operator, Session, server};

/// The tables that carry a tenant's id, as the catalogue lists them.
pub(crate) const TABLES: &str = "SELECT c.relname FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND EXISTS ( \
       SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') \
     ORDER BY c.relname";

/// A tenant, and how its application connects.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) database: String,
    pub(crate) url: String,
}

impl Tenant {
    /// Creates a tenant with sample data.
    pub(crate) fn seeded(operator: &Operator, slug: &str) -> Self {
        let _ran =
            operator.run(&format!("tenant create {slug} --name '{slug} Ltd' --seed")).success();
        let url = operator.run(&format!("tenant url {slug} --reveal")).success();
        let row = operator.tenant(slug);
        Self { id: row.id, database: row.database, url: url.stdout().trim().to_owned() }
    }

    /// Logs in with the real password; no tenant's id is set.
    pub(crate) fn login(&self) -> Session {
        Session::at(&self.url).unwrap()
    }
}

/// Two seeded tenants; the database of the first holds the second's rows as well.
pub(crate) struct Two {
    pub(crate) operator: Operator,
    pub(crate) acme: Tenant,
    pub(crate) globex: Tenant,
    pub(crate) tables: Vec<String>,
}

/// Returns the pair that tests which change nothing share.
pub(crate) fn two() -> &'static Two {
    static TWO: OnceLock<Two> = OnceLock::new();
    TWO.get_or_init(make_two)
}

fn make_two() -> Two {
    let operator = Operator::new();
    let acme = Tenant::seeded(&operator, "acme");
    let globex = Tenant::seeded(&operator, "globex");
    let mut superuser = server().superuser(&acme.database);
    let tables: Vec<String> = superuser.ask(TABLES).lines().map(str::to_owned).collect();
    assert!(tables.len() >= 8, "{tables:?}");
    // Foreign keys are not what is tried here, so the rows go in whatever the order.
    superuser.ask("SET session_replication_role = replica");
    for table in &tables {
        let columns = superuser.ask(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
             WHERE attrelid = 'public.{table}'::regclass AND attnum > 0 AND NOT attisdropped \
             AND attgenerated = '' AND attname <> 'tenant_id'"
        ));
        superuser.ask(&format!(
            "INSERT INTO public.{table} (tenant_id, {columns}) SELECT '{}', {columns} \
             FROM public.{table} WHERE tenant_id = '{}'",
            globex.id, acme.id
        ));
    }
    Two { operator, acme, globex, tables }
}

/// Returns the login's session with a tenant's id set, as the application sets it.
pub(crate) fn session_as(tenant: &Tenant, id: &str) -> Session {
    let mut login = tenant.login();
    login.ask(&format!("SET app.current_tenant_id = '{id}'"));
    login
}

#[test]
fn every_table_gives_the_login_its_own_rows_and_no_others() {
    let two = two();
    let (a, b) = (&two.acme.id, &two.globex.id);
    let mut operator = server().operator(&two.acme.database);
    // Who the login works for comes from the setting, from a token's claims, or from both.
    let setting = format!("SET app.current_tenant_id = '{a}'");
    let claims = format!(
        r#"SET request.jwt.claims = '{{"iat": 1, "app_metadata": {{"tenant_id": "{a}"}}}}'"#
    );
    let identities = [setting.clone(), claims.clone(), format!("{setting}; {claims}")];
    for (identity, table) in
        identities.iter().flat_map(|identity| two.tables.iter().map(move |table| (identity, table)))
    {
        let mut login = two.acme.login();
        login.run(identity);
        let own =
            operator.ask(&format!("SELECT count(*) FROM public.{table} WHERE tenant_id = '{a}'"));
        assert_ne!(own, "0", "{table} holds nothing that could leak");
        let foreign =
            operator.ask(&format!("SELECT count(*) FROM public.{table} WHERE tenant_id = '{b}'"));
        assert_eq!(foreign, own, "{table} holds nothing of the other tenant");

        assert_eq!(login.says(&format!("SELECT count(*) FROM {table}")), own, "{table}");
        let mut refused = |what: &str, expected: &str| {
            assert_eq!(login.says_and_undoes(&[what]), expected, "{what}");
        };
        refused(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{b}'"), "0");
        refused(
            &format!(
                "WITH done AS (UPDATE {table} SET created_by = NULL WHERE tenant_id = '{b}' \
                 RETURNING id) SELECT count(*) FROM done"
            ),
            "0",
        );
        refused(
            &format!(
                "WITH done AS (DELETE FROM {table} WHERE tenant_id = '{b}' RETURNING id) \
                 SELECT count(*) FROM done"
            ),
            "0",
        );
        refused(&format!("INSERT INTO {table} (tenant_id) VALUES ('{b}')"), "ERROR 42501");
        refused(&format!("UPDATE {table} SET tenant_id = '{b}'"), "ERROR 42501");
        refused(
            &format!(
                "INSERT INTO {table} (tenant_id, id) SELECT '{b}', id FROM {table} LIMIT 1 \
                 ON CONFLICT (tenant_id, id) DO UPDATE SET created_by = NULL"
            ),
            "ERROR 42501",
        );
        // A condition that fails on a hidden row would tell that the row is there.
        refused(
            &format!(
                "SELECT count(*) FROM {table} WHERE tenant_id <> '{a}' \
                 AND 1 / (CASE WHEN tenant_id = '{b}' THEN 0 ELSE 1 END) = 1"
            ),
            "0",
        );
        let said = login.says_and_undoes(&[
            &format!("DECLARE hidden CURSOR FOR SELECT id FROM {table} WHERE tenant_id = '{b}'"),
            "FETCH ALL FROM hidden",
        ]);
        assert_eq!(said, "", "{table}");
        let said = login.says_and_undoes(&[
            &format!("PREPARE q_{table} AS SELECT count(*) FROM {table} WHERE tenant_id = $1"),
            &format!("EXECUTE q_{table}('{b}')"),
        ]);
        assert_eq!(said, "0", "{table}");
        let said = login.says_and_undoes(&[
            &format!(
                "MERGE INTO {table} t USING (VALUES ('{b}'::uuid)) s(id) ON t.tenant_id = s.id \
                 WHEN MATCHED THEN DELETE"
            ),
            &format!("SELECT count(*) FROM {table}"),
        ]);
        assert_eq!(said, own, "{table}");
    }
    // After all of that the other tenant's rows are what they were.
    for table in &two.tables {
        let count = format!("SELECT count(*) FROM public.{table} GROUP BY tenant_id");
        let counts = operator.ask(&count);
        let (one, other) = counts.split_once('\n').unwrap();
        assert_eq!(one, other, "{table}");
    }
}

#[test]
fn another_id_no_id_and_an_empty_one_reach_nothing_and_garbage_is_an_error() {
    let two = two();
    let b = &two.globex.id;
    let mut login = two.acme.login();
    for table in &two.tables {
        let count = format!("SELECT count(*) FROM {table}");
        let touch = format!(
            "WITH done AS (UPDATE {table} SET created_by = NULL RETURNING id) \
             SELECT count(*) FROM done"
        );
        let insert = format!("INSERT INTO {table} DEFAULT VALUES");
        for setting in [
            format!("SET app.current_tenant_id = '{b}'"),
            "RESET app.current_tenant_id".to_owned(),
            "SET app.current_tenant_id = ''".to_owned(),
        ] {
            let said = |login: &mut Session, statement: &str| {
                login.says_and_undoes(&[&setting, statement])
            };
            assert_eq!(said(&mut login, &count), "0", "{setting}: {table}");
            assert_eq!(said(&mut login, &touch), "0", "{setting}: {table}");
            assert_eq!(said(&mut login, &insert), "ERROR 42501", "{setting}: {table}");
        }
        let said = login.says_and_undoes(&["SET app.current_tenant_id = 'garbage'", &count]);
        assert_eq!(said, "ERROR 22P02", "{table}");
    }
}

#[test]
fn a_statement_prepared_for_one_tenant_does_not_serve_another() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    login.ask("PREPARE all_vendors AS SELECT count(*) FROM vendors");
    // Five runs and the plan is cached.
    for _ in 0..6 {
        assert_ne!(login.ask("EXECUTE all_vendors"), "0");
    }
    login.ask(&format!("SET app.current_tenant_id = '{}'", two.globex.id));
    assert_eq!(login.ask("EXECUTE all_vendors"), "0");
}

#[test]
fn keys_of_another_tenant_can_neither_be_pointed_at_nor_probed() {
    let two = two();
    let (b, row) = (&two.globex.id, "88888888-8888-4888-8888-888888888888");
    let mut superuser = server().superuser(&two.acme.database);
    // Rows of the other tenant whose ids the first tenant does not have.
    superuser.ask(&format!(
        "BEGIN; \
         INSERT INTO public.vendors (id, tenant_id, code, name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x'); \
         INSERT INTO public.products (id, tenant_id, sku, name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x'); \
         INSERT INTO public.purchase_orders (id, tenant_id, po_number, vendor_id) \
           VALUES ('{row}', '{b}', 'ONLY-B', '{row}'); \
         INSERT INTO public.sales_orders (id, tenant_id, so_number, customer_name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x')"
    ));
    superuser.ask(&format!(
        "SET LOCAL ROLE {}; SET LOCAL app.current_tenant_id = '{}'",
        two.acme.database, two.acme.id
    ));
    let columns = "product_id, line_no, quantity, unit_price";
    for statement in [
        format!("INSERT INTO purchase_orders (po_number, vendor_id) VALUES ('X', '{row}')"),
        format!("UPDATE purchase_orders SET vendor_id = '{row}' WHERE po_number = 'PO-2026-0001'"),
        format!(
            "INSERT INTO purchase_order_items (purchase_order_id, {columns}) \
             SELECT '{row}', id, 1, 1, 1 FROM products LIMIT 1"
        ),
        format!(
            "INSERT INTO purchase_order_items (purchase_order_id, {columns}) \
             SELECT id, '{row}', 99, 1, 1 FROM purchase_orders LIMIT 1"
        ),
        format!(
            "INSERT INTO sales_order_items (sales_order_id, {columns}) \
             SELECT '{row}', id, 1, 1, 1 FROM products LIMIT 1"
        ),
        format!(
            "INSERT INTO sales_order_items (sales_order_id, {columns}) \
             SELECT id, '{row}', 99, 1, 1 FROM sales_orders LIMIT 1"
        ),
        format!("INSERT INTO inventory (product_id, warehouse_location) VALUES ('{row}', 'Q')"),
        // A row that is nowhere gives the same answer as one that is somebody else's.
        "INSERT INTO inventory (product_id, warehouse_location) \
         VALUES ('77777777-7777-4777-8777-777777777777', 'Q')"
            .to_owned(),
    ] {
        superuser.ask("SAVEPOINT before");
        assert_eq!(superuser.says(&statement), "ERROR 23503", "{statement}");
        superuser.ask("ROLLBACK TO before");
    }
    // Unique keys begin with the tenant, so a taken code is no hint either.
    superuser.ask("INSERT INTO vendors (code, name) VALUES ('ONLY-B', 'mine as well')");
    superuser.ask("ROLLBACK");
}

#[test]
fn setting_and_claims_have_to_agree() {
    let two = two();
    let (a, b) = (two.acme.id.as_str(), two.globex.id.as_str());
    let mut login = two.acme.login();
    let claims = |id: &str| format!(r#"{{"iat": 1, "app_metadata": {{"tenant_id": "{id}"}}}}"#);
    let upper = a.to_uppercase();
    for (setting, token, sees) in [
        ("", claims(a), true),
        ("", claims(&upper), true),
        (a, claims(a), true),
        (a, r#"{"iat": 1}"#.to_owned(), true),
        ("", r#"{"iat": 1}"#.to_owned(), false),
        ("", claims(b), false),
        (a, claims(b), false),
        (b, claims(a), false),
        (b, claims(b), false),
        (a, "garbage".to_owned(), false),
        (a, "[]".to_owned(), false),
        (a, r#"{"app_metadata": {"tenant_id": 5}}"#.to_owned(), false),
    ] {
        for table in &two.tables {
            let said = login.says_and_undoes(&[
                &format!("SET app.current_tenant_id = '{setting}'"),
                &format!("SET request.jwt.claims = '{token}'"),
                &format!(
                    "WITH done AS (UPDATE {table} SET created_by = NULL RETURNING id) \
                     SELECT count(*) > 0, (SELECT count(*) > 0 FROM {table}) FROM done"
                ),
            ]);
            let expected = if sees { "t|t" } else { "f|f" };
            assert_eq!(said, expected, "setting {setting:?}, claims {token}: {table}");
        }
    }
}

#[test]
fn the_login_enters_no_database_but_its_own() {
    let two = two();
    for (own, other) in [(&two.acme, &two.globex), (&two.globex, &two.acme)] {
        let elsewhere =
            own.url.replace(&format!("@/{}?", own.database), &format!("@/{}?", other.database));
        assert_ne!(elsewhere, own.url);
        let refusal = Session::at(&elsewhere).err().unwrap();
        assert!(refusal.starts_with("42501"), "{refusal}");
    }
    // Where PUBLIC may connect, as hosted platforms leave it, the schema is closed all the same.
    let mut plane = two.operator.plane();
    let tables = plane.ask(
        "SELECT relname FROM pg_class WHERE relnamespace = 'control_plane'::regnamespace \
         AND relkind = 'r'",
    );
    assert!(tables.lines().count() >= 7, "{tables:?}");
    let mut superuser = server().superuser(two.operator.plane_name());
    superuser.ask(&format!("SET ROLE {}", two.acme.database));
    for table in tables.lines() {
        let said = superuser.says(&format!("SELECT * FROM control_plane.{table}"));
        assert_eq!(said, "ERROR 42501", "{table}");
    }
    let said = superuser.says("SELECT control_plane.session_state('x')");
    assert_eq!(said, "ERROR 42501");
}

#[test]
fn the_login_changes_nothing_about_what_holds_it() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    let mut refused = |statement: &str| {
        assert_eq!(login.says_and_undoes(&[statement]), "ERROR 42501", "{statement}");
    };
    for table in &two.tables {
        for statement in [
            "TRUNCATE %",
            "ALTER TABLE % DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE % NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE % ADD COLUMN more text",
            "CREATE POLICY wide ON % USING (true)",
            "DROP POLICY gate_open ON %",
            "ALTER POLICY gate_open ON % USING (true)",
            "CREATE TRIGGER quiet BEFORE INSERT ON % FOR EACH ROW \
             EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE RULE none AS ON DELETE TO % DO INSTEAD NOTHING",
            "DROP TABLE %",
            "ALTER TABLE % OWNER TO CURRENT_USER",
        ] {
            refused(&statement.replace('%', table));
        }
    }
    for kept in ["identity", "gate", "denied", "seed_history", "gate_history", "schema_history"] {
        for statement in [
            "SELECT * FROM tenantctl.%",
            "DELETE FROM tenantctl.%",
            "INSERT INTO tenantctl.% DEFAULT VALUES",
            "TRUNCATE tenantctl.%",
            "DROP TABLE tenantctl.%",
        ] {
            refused(&statement.replace('%', kept));
        }
    }
    for statement in [
        "UPDATE tenantctl.gate SET locked = false",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE tenantctl.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION tenantctl.access_allowed() RETURNS boolean LANGUAGE sql \
         AS 'SELECT true'",
        "CREATE EXTENSION postgres_fdw",
        "SET ROLE tenantctl_owner",
        "SET SESSION AUTHORIZATION tenantctl_owner",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "CREATE ROLE mine",
        "GRANT tenantctl_owner TO CURRENT_USER",
        "COPY vendors TO PROGRAM 'cat'",
        "COPY vendors TO '/tmp/vendors'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT * FROM pg_authid",
        "SET session_replication_role = replica",
    ] {
        refused(statement);
    }
    // The COPY that a login may use brings its own rows only.
    assert_eq!(login.says("COPY vendors (tenant_id, code, name) FROM STDIN"), "ERROR 0A000");
}

#[test]
fn without_row_security_the_login_gets_an_error_and_no_rows() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    login.ask("SET row_security = off");
    for table in &two.tables {
        assert_eq!(login.says(&format!("SELECT count(id) FROM {table}")), "ERROR 42501", "{table}");
    }
}

#[test]
fn identity_numbers_are_for_the_owner_alone() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    for number in ["aadhaar", "pan"] {
        for statement in [
            "SELECT % FROM employees",
            "SELECT count(*) FROM employees WHERE % = 'x'",
            "INSERT INTO employees (employee_code, full_name, email, %) \
             VALUES ('Q', 'q', 'q@example.com', NULL)",
            "UPDATE employees SET % = NULL",
            "UPDATE employees SET full_name = full_name RETURNING %",
        ] {
            let statement = statement.replace('%', number);
            assert_eq!(login.says_and_undoes(&[&statement]), "ERROR 42501", "{statement}");
        }
    }
    for statement in [
        "SELECT * FROM employees",
        "SELECT e FROM employees e",
        "SELECT to_jsonb(e) FROM employees e",
        "UPDATE employees_directory SET full_name = 'x'",
    ] {
        assert_eq!(login.says_and_undoes(&[statement]), "ERROR 42501", "{statement}");
    }
    let all = login.ask("SELECT count(id) FROM employees");
    assert_eq!(login.ask("SELECT count(*) FROM (SELECT * FROM employees_directory) d"), all);
    let mut operator = server().operator(&two.acme.database);
    let columns = operator.ask(
        "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute \
         WHERE attrelid = 'public.employees'::regclass AND attnum > 0 AND attname NOT IN ( \
           SELECT attname FROM pg_attribute \
           WHERE attrelid = 'public.employees_directory'::regclass)",
    );
    assert_eq!(columns, "aadhaar,pan", "the directory lacks these and no other");
    operator.ask("SET ROLE tenantctl_owner");
    operator.ask(&format!("SET app.current_tenant_id = '{}'", two.acme.id));
    assert_eq!(operator.ask("SELECT count(aadhaar) FROM public.employees"), all);
}

#[test]
fn the_owner_is_bound_as_well() {
    let two = two();
    let mut operator = server().operator(&two.acme.database);
    operator.ask("SET ROLE tenantctl_owner");
    for table in &two.tables {
        let count = format!("SELECT count(*) FROM public.{table}");
        assert_eq!(operator.says_and_undoes(&[&count]), "0", "{table}, no id");
        let other = format!("SET LOCAL app.current_tenant_id = '{}'", two.globex.id);
        assert_eq!(operator.says_and_undoes(&[&other, &count]), "0", "{table}, another's id");
        let own = format!("SET LOCAL app.current_tenant_id = '{}'", two.acme.id);
        assert_ne!(operator.says_and_undoes(&[&own, &count]), "0", "{table}, its own id");
    }
}

#[test]
fn a_careless_policy_widens_nothing() {
    let two = two();
    let mut superuser = server().superuser(&two.acme.database);
    let (login, a, b) = (&two.acme.database, &two.acme.id, &two.globex.id);
    let count = "SELECT count(*) FROM vendors";
    let before = session_as(&two.acme, a).ask(count);
    let careless = "CREATE POLICY careless ON vendors USING (true) WITH CHECK (true)";
    let become_login = format!("SET LOCAL ROLE {login}; SET LOCAL app.current_tenant_id = '{a}'");
    assert_eq!(superuser.says_and_undoes(&[careless, &become_login, count]), before);
    for write in [
        format!("INSERT INTO vendors (tenant_id, code, name) VALUES ('{b}', 'Q', 'q')"),
        format!("UPDATE vendors SET tenant_id = '{b}' WHERE code = 'V-001'"),
    ] {
        let said = superuser.says_and_undoes(&[careless, &become_login, &write]);
        assert_eq!(said, "ERROR 42501", "{write}");
    }
}

#[test]
fn shadowing_functions_do_not_fool_the_policies() {
    let two = two();
    let mut superuser = server().superuser(&two.acme.database);
    let said = |superuser: &mut Session, question: &str| {
        superuser.says_and_undoes(&[
            "CREATE SCHEMA evil",
            &format!(
                "CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE sql \
                 AS $$ SELECT '{}' $$",
                two.acme.id
            ),
            "CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql \
             AS $$ SELECT '2100-01-01'::timestamptz $$",
            "GRANT USAGE ON SCHEMA evil TO PUBLIC",
            "SET LOCAL search_path = evil, pg_catalog, public",
            &format!("SET LOCAL ROLE {}", two.acme.database),
            question,
        ])
    };
    assert_eq!(said(&mut superuser, "SELECT tenantctl.access_allowed()"), "f");
    assert_eq!(said(&mut superuser, "SELECT tenantctl.current_tenant()"), "");
    assert_eq!(said(&mut superuser, "SELECT count(*) FROM public.vendors"), "0");
}

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

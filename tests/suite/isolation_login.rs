//! What a tenant's login may do besides reading its rows: nothing.

use crate::support::two::{session_as, two};
use crate::support::{Session, server};

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

//! What a tenant's login leaves in databases that are not its own, and what it takes of the whole
//! server: connections, and room for locks.

use crate::support::deletion::exists;
use crate::support::{Operator, PATIENCE, Server, Session, server, until};

/// Opens a session of the tenant's login in a database of the test's choice.
fn login_in(operator: &Operator, slug: &str, database: &str) -> Result<Session, String> {
    server().login(&operator.tenant(slug).database, Some(&password(operator, slug)), database)
}

fn password(operator: &Operator, slug: &str) -> String {
    let url = operator.run(&format!("tenant url {slug} --reveal")).success();
    url.stdout().split([':', '@']).nth(2).unwrap().to_owned()
}

/// Starts a server of the test's own and installs a control plane on it.
fn installed(settings: &[&str]) -> (Server, Operator) {
    let server = Server::alone_set(settings);
    server.superuser("postgres").run("CREATE DATABASE cp OWNER operator");
    let operator =
        Operator::on("cp").with("TENANTCTL_CONTROL_PLANE_URL", server.url("operator", "cp"));
    let _ran = operator.run("init").success();
    (server, operator)
}

/// Creates a tenant without tables; returns the name of its database and login.
fn created(operator: &Operator, slug: &str) -> String {
    let line = format!("-o json tenant create {slug} --name X --no-migrate");
    let made = operator.run(&line).success().json();
    made["tenant"]["database"].as_str().unwrap().to_owned()
}

fn with_tenant() -> (Operator, String) {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let login = operator.tenant("acme").database;
    (operator, login)
}

const LEAVE: &str = "SELECT lo_create(0); \
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC";
const PURGE: &str = "tenant delete acme --purge --no-backup --confirm acme";

#[test]
fn what_a_login_left_in_other_databases_goes_with_it() {
    let (operator, login) = with_tenant();
    let other = server().new_database();
    for database in ["postgres", &other] {
        login_in(&operator, "acme", database).unwrap().run(LEAVE);
    }
    let _ran = operator.run(PURGE).success();
    assert!(!exists(&login));
    let objects = "SELECT (SELECT count(*) FROM pg_largeobject_metadata) \
                   + (SELECT count(*) FROM pg_default_acl)";
    assert_eq!(server().superuser(&other).value::<i64>(objects), 0);
    operator.assert_sound();
}

#[test]
fn what_keeps_a_login_is_named_with_its_database_and_the_purge_goes_on_afterwards() {
    let (operator, login) = with_tenant();
    let (closed, others) = (server().new_database(), server().new_database());
    login_in(&operator, "acme", &closed).unwrap().run("SELECT lo_create(0)");
    // Somebody else's object hangs on the login's.
    let mut superuser = server().superuser(&others);
    superuser.run(&format!(
        "CREATE TYPE mood AS ENUM ('fine'); ALTER TYPE mood OWNER TO {login}; \
         CREATE TABLE theirs AS SELECT 'fine'::mood AS mood; GRANT SELECT ON theirs TO {login}"
    ));
    let mut admin = server().superuser("postgres");
    admin.run(&format!("ALTER DATABASE {closed} ALLOW_CONNECTIONS false"));
    let error = operator.run(&format!("-o json {PURGE}")).fails_with(8).error();
    let text = error.to_string();
    let said = format!("1 object in database `{closed}`, which allows no connections");
    assert!(text.contains(&said), "{text}");
    assert!(
        text.contains(&format!(
            "2 objects in database `{others}` (table public.theirs, type public.mood)"
        )),
        "{text}"
    );
    assert!(text.contains("2BP01"), "{text}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("DROP OWNED BY \"{login}\"")), "{hint}");
    assert_eq!(operator.tenant("acme").status, "purging");
    let membership = format!(
        "SELECT count(*) FROM pg_auth_members m WHERE m.roleid = '{login}'::regrole \
         AND m.grantor = 'operator'::regrole"
    );
    assert_eq!(admin.value::<i64>(&membership), 0, "the operator is no member afterwards");
    admin.run(&format!("ALTER DATABASE {closed} ALLOW_CONNECTIONS true"));
    assert_eq!(superuser.ask("SELECT mood FROM theirs"), "fine", "what is others' stays");
    superuser.run(&format!("ALTER TYPE mood OWNER TO operator; DROP OWNED BY {login}"));
    let _ran = operator.run(PURGE).success();
    assert!(!exists(&login));
    operator.assert_sound();
}

#[test]
fn two_tenants_at_their_limits_leave_the_operator_a_connection() {
    let (server, operator) = installed(&["max_connections=40"]);
    let mut superuser = server.superuser("postgres");
    let mut open = Vec::new();
    let databases = ["acme", "globex"].map(|slug| created(&operator, slug));
    for (slug, database) in ["acme", "globex"].iter().zip(&databases) {
        let password = password(&operator, slug);
        let refusal = loop {
            match server.login(database, Some(&password), database) {
                Ok(session) => open.push(session),
                Err(refusal) => break refusal,
            }
        };
        assert!(refusal.starts_with("53300 too many connections for role"), "{refusal}");
    }
    let _ran = operator.run("tenant list").success();
    let _ran = operator.run("lockdown acme --reason flood").success();
    let limits: Vec<(i32, i32)> = superuser.rows(&format!(
        "SELECT rolconnlimit, datconnlimit FROM pg_roles, pg_database \
         WHERE rolname = '{0}' AND datname = '{0}'",
        databases[0]
    ));
    assert_eq!(limits, [(9, 41)], "a quarter of 37, and ours beside it");
}

#[test]
fn init_closes_a_database_of_its_own_and_no_other() {
    let operator = Operator::before_init();
    let plane = operator.plane_name().to_owned();
    let open = format!("SELECT has_database_privilege('public', '{plane}', 'CONNECT')");
    let mut superuser = server().superuser("postgres");
    assert!(superuser.value::<bool>(&open));
    let _ran = operator.run("init --dry-run").success();
    assert!(superuser.value::<bool>(&open));
    let _ran = operator.run("init").success();
    assert!(!superuser.value::<bool>(&open));
    // A web backend with the role made for it still gets in.
    let backend = format!("backend_{}", uuid::Uuid::new_v4().simple());
    superuser.run(&format!("CREATE ROLE {backend} LOGIN; GRANT tenantctl_checker TO {backend}"));
    let mut session = server().login(&backend, None, &plane).unwrap();
    assert_eq!(session.ask("SELECT control_plane.session_state('none')"), "unknown");
    let _ran = operator.run("tenant create acme --name Acme").success();
    let refusal = login_in(&operator, "acme", &plane).err().unwrap();
    assert!(refusal.starts_with("42501"), "{refusal}");
    // Where something else is kept, others rely on it.
    let shared = Operator::before_init();
    let open =
        format!("SELECT has_database_privilege('public', '{}', 'CONNECT')", shared.plane_name());
    server().superuser(shared.plane_name()).run("CREATE TABLE public.theirs (a int)");
    let _ran = shared.run("init").success();
    assert!(superuser.value::<bool>(&open));
}

#[test]
fn health_names_the_databases_that_any_login_may_enter() {
    let (server, operator) = installed(&["max_connections=30"]);
    let mut superuser = server.superuser("postgres");
    let advice = |what: &str| {
        let report = operator.run("health -o json").success().json();
        let list = report["checks"][2]["advice"].as_array().unwrap().clone();
        list.into_iter().find(|one| one["what"].as_str().unwrap().contains(what))
    };
    let told = advice("any login may enter").unwrap();
    assert!(told["what"].as_str().unwrap().contains("`postgres`, `template1`"), "{told}");
    let remedy = told["remedy"].as_str().unwrap().split_once("CONNECT: ").unwrap().1.to_owned();
    superuser.run("GRANT CONNECT ON DATABASE postgres TO operator");
    superuser.run(&remedy);
    assert_eq!(advice("any login may enter"), None);
    assert_eq!(advice("none is reserved"), None);
    for slug in ["a1", "a2", "a3", "a4"] {
        created(&operator, &format!("acme-{slug}"));
    }
    assert_eq!(advice("none is reserved"), None, "4 times 6 of 27");
    created(&operator, "acme-a5");
    let told = advice("none is reserved").unwrap();
    assert!(
        told["what"].as_str().unwrap().starts_with("5 logins may open 30 connections"),
        "{told}"
    );
    let can_reserve: bool =
        superuser.value("SELECT current_setting('server_version_num')::int >= 160000");
    let remedy = told["remedy"].as_str().unwrap();
    assert_eq!(remedy.contains("pg_use_reserved_connections"), can_reserve, "{told}");
    let text = operator.run("health").success();
    assert!(text.stderr().contains("warning: 5 logins may open"), "{text}");
}

#[test]
fn a_login_that_fills_the_table_of_locks_is_named_before_and_answered_for_afterwards() {
    let (server, operator) = installed(&["max_connections=20", "max_locks_per_transaction=10"]);
    let database = created(&operator, "acme");
    let password = password(&operator, "acme");
    let mut attacker = server.login(&database, Some(&password), &database).unwrap();
    // Room for about 280, by the settings.
    attacker.run("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 200) i");
    let text = operator.run("health").success();
    let told = format!("warning: the login `{database}` holds 2");
    assert!(text.stderr().contains(&told), "{text}");
    let refusal = attacker
        .attempt("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 1000000) i")
        .unwrap_err();
    assert!(refusal.starts_with("53200"), "{refusal}");
    for line in ["tenant list", "lockdown acme --reason flood"] {
        let ran = operator.run(line).fails_with(7);
        assert!(ran.stderr().contains("SQLSTATE 53200"), "{ran}");
        assert!(ran.stderr().contains("hint: the sessions that fill"), "{ran}");
    }
    // Its locks end with it.
    drop(attacker);
    until("a session to be had", PATIENCE, || match server.login("operator", None, "cp") {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal),
    });
    let _ran = operator.run("tenant list").success();
    let _ran = operator.run("lockdown acme --reason flood").success();
    assert!(server.login(&database, Some(&password), &database).is_err());
}

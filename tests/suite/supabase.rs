//! Where Supabase's API roles exist: `authenticated` is an application like any other, `anon` has no
//! business in a tenant's database.
//!
//! The roles belong to the whole server and stay; nothing else in the suite minds them.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::two::{TABLES, Tenant};
use crate::support::{Operator, Session, server};

fn a_tenant_where_the_roles_are() -> (Operator, Tenant, Session) {
    let mut superuser = server().superuser("postgres");
    for role in ["anon", "authenticated"] {
        // Two tests may be here at once.
        let said = superuser.says(&format!("CREATE ROLE {role} NOLOGIN"));
        assert!(matches!(&*said, "" | "ERROR 42710" | "ERROR 23505"), "{said}");
    }
    let operator = Operator::new();
    let acme = Tenant::seeded(&operator, "acme");
    let superuser = server().superuser(&acme.database);
    (operator, acme, superuser)
}

#[test]
fn authenticated_sees_what_its_token_allows_and_anon_nothing() {
    let (_operator, acme, mut superuser) = a_tenant_where_the_roles_are();
    let tables = superuser.ask(TABLES);
    let token = format!(r#"{{"iat":1,"app_metadata":{{"tenant_id":"{}"}}}}"#, acme.id);
    let mut asked = |role: &str, claims: &str, question: &str| {
        superuser.says_and_undoes(&[
            &format!("SET LOCAL ROLE {role}"),
            &format!("SET LOCAL request.jwt.claims = '{claims}'"),
            question,
        ])
    };
    for table in tables.lines().chain(["employees_directory"]) {
        let seen = format!("SELECT count(id) > 0 FROM public.{table}");
        assert_eq!(asked("authenticated", &token, &seen), "t", "{table}");
        assert_eq!(asked("authenticated", "", &seen), "f", "{table} without a token");
        assert_eq!(asked("anon", &token, &seen), "ERROR 42501", "{table}");
    }
    let numbers = "SELECT aadhaar, pan FROM public.employees";
    assert_eq!(asked("authenticated", &token, numbers), "ERROR 42501");
    for function in ["access_allowed()", "current_tenant()"] {
        let call = format!("SELECT tenantctl.{function}");
        assert_eq!(asked("anon", &token, &call), "ERROR 42501", "{function}");
    }
    for kept in ["gate", "identity", "denied"] {
        let read = format!("SELECT * FROM tenantctl.{kept}");
        assert_eq!(asked("authenticated", &token, &read), "ERROR 42501", "{kept}");
    }
}

#[test]
fn authenticated_holds_exactly_what_the_application_holds() {
    let (_operator, _acme, mut superuser) = a_tenant_where_the_roles_are();
    let differing = superuser.ask(
        "WITH granted AS ( \
           SELECT oid::regclass::text AS what, a.grantee, a.privilege_type \
           FROM pg_class, aclexplode(relacl) a WHERE relnamespace = 'public'::regnamespace \
           UNION ALL \
           SELECT attrelid::regclass || '.' || attname, a.grantee, a.privilege_type \
           FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl) a \
           WHERE relnamespace = 'public'::regnamespace \
           UNION ALL \
           SELECT p.oid::regprocedure::text, a.grantee, a.privilege_type \
           FROM pg_proc p, aclexplode(proacl) a \
           WHERE pronamespace IN ('public'::regnamespace, 'tenantctl'::regnamespace) \
         ), app AS (SELECT what, privilege_type FROM granted WHERE grantee = 'tenantctl_app'::regrole \
         ), api AS (SELECT what, privilege_type FROM granted WHERE grantee = 'authenticated'::regrole) \
         (TABLE app EXCEPT TABLE api) UNION ALL (TABLE api EXCEPT TABLE app)",
    );
    assert_eq!(differing, "");
    let of_anon = superuser.ask(
        "SELECT oid::regclass FROM pg_class, aclexplode(relacl) a WHERE a.grantee = 'anon'::regrole",
    );
    assert_eq!(of_anon, "");
}

/// As it is written, by whom it is for: `postgres`, who is no superuser there.
#[test]
fn the_example_switches_on_what_init_installed() {
    const EXAMPLE: &str = include_str!("../../examples/supabase.sql");
    let operator = Operator::beside_auth();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let tenant = operator.tenant("acme").id;
    let mut plane = operator.plane();
    for _ in 0..2 {
        plane.run(EXAMPLE);
    }
    let settings: String = plane.value(
        "SELECT array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = 'authenticator'",
    );
    assert!(settings.contains("pgrst.db_pre_request=control_plane.check_request"), "{settings}");

    // Auth signs somebody in, and the web application asks as the login that was made for it.
    let (user, session) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let second: i64 = plane.value("SELECT extract(epoch FROM now())::bigint");
    let event = json!({
        "user_id": user, "authentication_method": "password", "metadata": {},
        "claims": { "sub": user, "session_id": session, "iat": second, "exp": second + 3600,
            "role": "authenticated", "app_metadata": { "tenant_id": tenant } },
    });
    let hook = format!("SELECT control_plane.custom_access_token_hook('{event}')::text");
    let said: String = operator.auth().value(&hook);
    let claims = serde_json::from_str::<Value>(&said).unwrap()["claims"].clone();
    let recorded: String = plane.value("SELECT jti FROM control_plane.sessions");
    assert_eq!(claims["jti"], json!(recorded));
    let mut web = server().login("web_checker", None, operator.plane_name()).unwrap();
    let ask = format!("SELECT control_plane.are_claims_valid('{claims}')");
    assert!(web.value::<bool>(&ask));
    let refused = web.attempt("SELECT FROM control_plane.sessions").unwrap_err();
    assert!(refused.starts_with("42501"), "{refused}");
    let line = "--yes session revoke --tenant acme --reason r";
    let _ran = operator.run(line).success();
    assert!(!web.value::<bool>(&ask));
    plane.run("ALTER ROLE authenticator RESET pgrst.db_pre_request");
}

//! The judgement as Supabase Auth, a backend and the Data API ask for it.

use serde_json::json;
use uuid::Uuid;

use crate::support::claims::{create, event, hook, is_valid, judged, now, state, token, user};
use crate::support::{Operator, server};

#[test]
fn the_hook_records_refreshes_and_refuses() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let (user, session) = (user(), user());
    operator.sign_up(&user, "{}");
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let second = now(&mut plane);
    // Nobody's user: the token stays as it is.
    let stranger = event(&Uuid::new_v4().to_string(), &session, None, "password", second);
    assert_eq!(hook(&mut auth, &stranger)["claims"], stranger["claims"]);

    let login = event(&user, &session, Some(&acme), "password", second);
    let answer = hook(&mut auth, &login);
    let claims = &answer["claims"];
    for (key, value) in login["claims"].as_object().unwrap() {
        if key != "app_metadata" {
            assert_eq!(&claims[key], value, "{key} must come back as it was");
        }
    }
    let jti = claims["jti"].as_str().unwrap().to_owned();
    assert_ne!(jti, session, "a part of the sign-in, which may have others");
    assert_eq!(claims["app_metadata"]["tenant_id"], json!(acme));
    assert_eq!(state(&mut plane, &jti), "valid");
    assert_eq!(judged(&mut plane, claims), "valid");
    // A refresh is the same session. Without Auth's claim, what was recorded puts nobody back.
    let refresh = event(&user, &session, Some(&acme), "token_refresh", second + 30);
    assert_eq!(hook(&mut auth, &refresh)["claims"]["jti"], json!(jti));
    let without = event(&user, &session, None, "token_refresh", second + 30);
    assert_eq!(hook(&mut auth, &without)["claims"], without["claims"]);
    let (count, expiry): (i64, i64) = plane
        .rows("SELECT count(*), max(extract(epoch FROM expires_at))::bigint FROM control_plane.sessions")
        .remove(0);
    assert_eq!((count, expiry), (1, second + 30 + 3600));
    // An address Postgres cannot read keeps nobody out.
    let mut odd = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "password", second);
    odd["metadata"]["ip_address"] = json!("999.1.1.1");
    assert!(hook(&mut auth, &odd)["error"].is_null());

    let _ran = operator.run(&format!("--yes session revoke --jti {session} --reason r")).success();
    assert_eq!(hook(&mut auth, &refresh)["error"]["http_code"], 403);
    assert_eq!(state(&mut plane, &jti), "revoked");
    // Not even once its row would have been pruned.
    plane.run(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '99 d', \
         expires_at = now() - interval '98 d'",
    );
    let _ran = operator.run("session prune --keep 1h").success();
    assert_eq!(hook(&mut auth, &refresh)["error"]["http_code"], 403);

    // A session that nobody recorded, older and younger than a mark.
    let _ran = operator.run(&format!("--yes session revoke --user {user} --reason r")).success();
    let old = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "token_refresh", second);
    assert_eq!(hook(&mut auth, &old)["error"]["http_code"], 403);
    let later = now(&mut plane) + 30;
    let young = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "token_refresh", later);
    assert!(hook(&mut auth, &young)["error"].is_null());
    let _ran = operator.run("lockdown acme --reason r").success();
    let fresh = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "password", second + 200);
    assert_eq!(hook(&mut auth, &fresh)["error"]["http_code"], 403);
}

#[test]
fn auth_calls_the_hook_and_touches_nothing_else() {
    let operator = Operator::beside_auth();
    let mut auth = operator.auth();
    assert_eq!(hook(&mut auth, &json!({}))["error"]["http_code"], 400);
    let tables: Vec<(String, bool)> = operator.plane().rows(
        "SELECT c.oid::regclass::text, relkind = 'v' FROM pg_class c \
         WHERE relkind IN ('r', 'v', 'p') AND relnamespace = 'control_plane'::regnamespace",
    );
    assert!(tables.len() > 8, "{tables:?}");
    for role in
        ["supabase_auth_admin", "tenantctl_checker", "anon", "authenticated", "service_role"]
    {
        let mut session = server().superuser(operator.plane_name());
        session.run(&format!("SET ROLE {role}"));
        for (table, is_view) in &tables {
            let acts = ["SELECT FROM", "DELETE FROM", "TRUNCATE"];
            for act in &acts[..if *is_view { 1 } else { 3 }] {
                let refused = session.attempt(&format!("{act} {table}")).unwrap_err();
                assert!(refused.starts_with("42501"), "{role}: {act} {table}: {refused}");
            }
        }
    }
    let callable: Vec<(String, String)> = operator.plane().rows(
        "SELECT r.rolname::text, p.oid::regprocedure::text FROM pg_proc p, pg_roles r \
         WHERE p.pronamespace = 'control_plane'::regnamespace AND r.rolname IN ('anon', \
           'authenticated', 'service_role', 'supabase_auth_admin', 'tenantctl_checker') \
         AND has_function_privilege(r.oid, p.oid, 'EXECUTE') ORDER BY 1, 2",
    );
    let pair = |role: &str, name: &str| (role.to_owned(), format!("control_plane.{name}"));
    assert_eq!(
        callable,
        [
            pair("anon", "check_request()"),
            pair("authenticated", "check_request()"),
            pair("service_role", "check_request()"),
            pair("supabase_auth_admin", "custom_access_token_hook(jsonb)"),
            pair("tenantctl_checker", "are_claims_valid(jsonb)"),
            pair("tenantctl_checker", "claims_state(jsonb)"),
            pair("tenantctl_checker", "is_session_valid(text)"),
            pair("tenantctl_checker", "session_state(text)"),
        ]
    );
}

#[test]
fn a_backend_with_the_checker_role_gets_its_answers() {
    let operator = Operator::new();
    let tenant = create(&operator, "acme");
    let user = user();
    let jti = operator.issue(&user, "acme");
    let mut backend = server().superuser(operator.plane_name());
    backend.run("SET ROLE tenantctl_checker");
    assert_eq!(state(&mut backend, &jti), "valid");
    let ask = format!("SELECT control_plane.is_session_valid('{jti}')");
    assert!(backend.value::<bool>(&ask));
    let second = now(&mut backend);
    assert_eq!(judged(&mut backend, &token(&user, &tenant, second)), "unrecorded");
    assert!(!is_valid(&mut backend, &token(&user, &tenant, second)));
    let _ran = operator.run(&format!("--yes session revoke --jti {jti} --reason r")).success();
    assert!(!backend.value::<bool>(&ask));
    let missing: Option<bool> = backend.value("SELECT control_plane.is_session_valid(NULL)");
    assert_eq!(missing, Some(false));
}

/// It runs with its owner's rights and without a path of its own.
#[test]
fn the_quick_answer_takes_no_names_from_the_callers_path() {
    let operator = Operator::new();
    create(&operator, "acme");
    let jti = operator.issue(&user(), "acme");
    let _ran = operator.run(&format!("--yes session revoke --jti {jti} --reason r")).success();
    let mut caller = server().superuser(operator.plane_name());
    caller.run("CREATE SCHEMA hostile");
    for (name, kind) in [
        ("texteq", "text"),
        ("int8eq", "bigint"),
        ("uuid_eq", "uuid"),
        ("timestamptz_gt", "timestamptz"),
    ] {
        let operator = if name == "timestamptz_gt" { ">" } else { "=" };
        caller.run(&format!(
            "CREATE FUNCTION hostile.{name}({kind}, {kind}) RETURNS boolean LANGUAGE sql \
               RETURN true; \
             CREATE OPERATOR hostile.{operator} (FUNCTION = hostile.{name}, LEFTARG = {kind}, \
               RIGHTARG = {kind})"
        ));
    }
    caller.run("SET search_path = hostile, pg_catalog; CREATE TEMP TABLE sessions (jti text)");
    assert!(caller.value::<bool>("SELECT 'a'::text = 'b'::text"), "the path is hostile");
    for asked in [&*jti, "nobody"] {
        let ask = format!("SELECT control_plane.is_session_valid('{asked}')");
        assert!(!caller.value::<bool>(&ask), "{asked}");
    }
}

#[test]
fn the_data_api_asks_before_every_request() {
    let operator = Operator::beside_auth();
    let tenant = create(&operator, "acme");
    let user = user();
    let jti = operator.issue(&user, "acme");
    let mut api = server().login("authenticator", None, operator.plane_name()).unwrap();
    let mut request = |role: &str, claims: &str| {
        let claims = claims.replace('\'', "''");
        api.run("BEGIN");
        api.run(&format!("SET LOCAL ROLE {role}"));
        api.run(&format!("SELECT set_config('request.jwt.claims', '{claims}', true)"));
        let asked = api.attempt("SELECT control_plane.check_request()");
        api.run("ROLLBACK");
        asked
    };
    let mut plane = operator.plane();
    let second = now(&mut plane);
    let mut claims = token(&user, &tenant, second);
    let unrecorded = claims.to_string();
    claims["jti"] = json!(jti);
    let recorded = claims.to_string();
    let refused =
        Err("PGRST {\"code\":\"session_revoked\",\"message\":\"This session is not valid.\"}"
            .to_owned());
    assert_eq!(request("anon", ""), Ok(()));
    assert_eq!(request("anon", r#"{"role":"anon"}"#), Ok(()));
    assert_eq!(request("service_role", r#"{"role":"service_role"}"#), Ok(()));
    assert_eq!(request("authenticated", &recorded), Ok(()));
    assert_eq!(request("authenticated", &unrecorded), refused);
    for garbage in ["{", "[]", "\"anon\"", "1", "nonsense"] {
        assert_eq!(request("authenticated", garbage), refused, "{garbage}");
    }
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    assert_eq!(request("authenticated", &unrecorded), refused, "Auth has no such session");
    let session = claims["session_id"].as_str().unwrap();
    plane.run(&format!("INSERT INTO auth.users (id) VALUES ('{user}')"));
    plane.run(&format!("INSERT INTO auth.sessions (id, user_id) VALUES ('{session}', '{user}')"));
    assert_eq!(request("authenticated", &unrecorded), Ok(()));
    let _ran = operator.run(&format!("--yes session revoke --jti {jti} --reason r")).success();
    assert_eq!(request("authenticated", &recorded), refused);
    let _ran = operator.run("--yes session revoke --tenant acme --reason r").success();
    assert_eq!(request("authenticated", &unrecorded), refused);
}

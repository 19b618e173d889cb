//! The one judgement on sessions and tokens, as the command line, a backend, Supabase Auth and the
//! Data API ask for it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Operator, Session, server};

const STATES: [&str; 8] = [
    "valid",
    "revoked",
    "expired",
    "unknown",
    "user_revoked",
    "tenant_revoked",
    "tenant_locked",
    "unrecorded",
];

fn user() -> String {
    Uuid::new_v4().to_string()
}

fn create(operator: &Operator, slug: &str) -> String {
    let _ran = operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    operator.tenant(slug).id
}

fn issue(operator: &Operator, user: &str, slug: &str) -> String {
    let ran = operator.run(&format!("-o json session issue --user {user} --tenant {slug}"));
    ran.success().json()["session"]["jti"].as_str().unwrap().to_owned()
}

fn state(plane: &mut Session, jti: &str) -> String {
    plane.value(&format!("SELECT control_plane.session_state('{jti}')"))
}

fn quoted(claims: &Value) -> String {
    claims.to_string().replace('\'', "''")
}

fn judged(plane: &mut Session, claims: &Value) -> String {
    plane.value(&format!("SELECT control_plane.claims_state('{}')", quoted(claims)))
}

fn is_valid(plane: &mut Session, claims: &Value) -> bool {
    plane.value(&format!("SELECT control_plane.are_claims_valid('{}')", quoted(claims)))
}

/// What the database's clock says, in whole seconds.
fn now(plane: &mut Session) -> i64 {
    plane.value("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
}

fn token(user: &str, tenant: &str, issued_at: i64) -> Value {
    json!({ "sub": user, "iat": issued_at, "exp": issued_at + 3600, "role": "authenticated",
            "session_id": Uuid::new_v4(), "app_metadata": { "tenant_id": tenant } })
}

/// What Auth hands the hook.
fn event(user: &str, session: &str, tenant: Option<&str>, method: &str, issued_at: i64) -> Value {
    let metadata = tenant.map_or(json!({}), |tenant| json!({ "tenant_id": tenant }));
    json!({
        "metadata": { "uuid": Uuid::new_v4(), "name": "customize-access-token",
            "ip_address": "203.0.113.7" },
        "user_id": user, "authentication_method": method,
        "claims": { "aud": "authenticated", "iss": "https://x.supabase.co/auth/v1", "sub": user,
            "iat": issued_at, "exp": issued_at + 3600, "email": "a@b.c", "phone": "",
            "role": "authenticated", "aal": "aal1", "session_id": session, "is_anonymous": false,
            "amr": [{ "method": "password", "timestamp": issued_at - 10 }],
            "app_metadata": metadata }
    })
}

fn hook(auth: &mut Session, event: &Value) -> Value {
    let text: String = auth.value(&format!(
        "SELECT control_plane.custom_access_token_hook('{}')::text",
        quoted(event)
    ));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_session_keeps_what_it_was_issued_with() {
    let operator = Operator::new();
    let id = create(&operator, "acme");
    let user = user();
    let ran = operator
        .run(&format!(
            "-o json session issue --user {user} --tenant acme --ttl 15m --ip 203.0.113.7 \
             --device 'Pixel 9' --metadata '{{\"app\": \"2.1\"}}'"
        ))
        .success();
    let jti = ran.json()["session"]["jti"].as_str().unwrap().to_owned();
    assert_eq!(jti.parse::<Uuid>().unwrap().get_version_num(), 7);
    let shown = operator.run(&format!("-o json session show {jti}")).success().json();
    let session = &shown["session"];
    assert_eq!(session["tenant_id"], json!(id));
    assert_eq!(session["ip"], "203.0.113.7");
    assert_eq!(session["device"], "Pixel 9");
    assert_eq!(session["metadata"], json!({ "app": "2.1" }));
    assert_eq!(session["state"], "valid");
    let listed = operator.run(&format!("-o json session list --user {user}")).success().json();
    assert_eq!(listed["sessions"][0]["jti"], json!(jti));
    for bad in ["[1]", "1", "{", "\"text\""] {
        let line = format!("session issue --user {user} --tenant acme --metadata '{bad}'");
        let _ran = operator.run(&line).fails_with(2);
    }
}

#[test]
fn the_widest_mark_decides_and_each_way_to_revoke_is_seen_by_check() {
    let operator = Operator::new();
    create(&operator, "acme");
    create(&operator, "globex");
    let (one, two) = (user(), user());
    let check = |jti: &str, code: i32, word: &str| {
        let ran = operator.run(&format!("-o json session check {jti}")).fails_with(code);
        assert_eq!(ran.json()["session"]["state"], json!(word), "{jti}");
    };
    let (first, second, elsewhere) = (
        issue(&operator, &one, "acme"),
        issue(&operator, &one, "acme"),
        issue(&operator, &one, "globex"),
    );
    let other = issue(&operator, &two, "acme");
    check(&first, 0, "valid");
    check("nobody-issued-this", 11, "unknown");

    let revoke = |what: &str| {
        let ran =
            operator.run(&format!("-o json --yes session revoke {what} --reason r")).success();
        ran.json()["revocation"].clone()
    };
    let planned = operator
        .run(&format!("-o json session revoke --jti {first} --reason r --dry-run"))
        .success()
        .json();
    assert_eq!(planned["revocation"]["sessions"], 1);
    check(&first, 0, "valid");
    assert_eq!(revoke(&format!("--jti {first}"))["sessions"], 1);
    check(&first, 11, "revoked");
    let again = revoke(&format!("--jti {first}"));
    assert_eq!((&again["sessions"], &again["changed"]), (&json!(0), &json!(false)));
    check(&second, 0, "valid");

    assert_eq!(revoke(&format!("--user {one} --tenant acme"))["sessions"], 1);
    check(&second, 11, "user_revoked");
    check(&first, 11, "user_revoked");
    check(&elsewhere, 0, "valid");
    let later = issue(&operator, &one, "acme");
    check(&later, 0, "valid");

    assert_eq!(revoke(&format!("--user {one}"))["sessions"], 2);
    check(&elsewhere, 11, "user_revoked");
    check(&later, 11, "user_revoked");
    check(&other, 0, "valid");

    let planned =
        operator.run("-o json session revoke --tenant acme --reason r --dry-run").success().json();
    assert_eq!(planned["revocation"]["sessions"], revoke("--tenant acme")["sessions"]);
    check(&other, 11, "tenant_revoked");
    check(&first, 11, "tenant_revoked");
    let last = issue(&operator, &two, "acme");
    check(&last, 0, "valid");
    operator.plane().run(&format!(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '2 h', \
         expires_at = now() - interval '1 h' WHERE jti = '{last}'"
    ));
    check(&last, 11, "expired");

    // Who, why, and that rows were marked for the record.
    let (by, why): (String, String) = operator
        .plane()
        .rows(&format!(
            "SELECT revoked_by, revoke_reason FROM control_plane.sessions WHERE jti = '{other}'"
        ))
        .remove(0);
    assert_eq!((by.as_str(), why.as_str()), ("tester", "r"));
    let trail: Vec<(String, String, String)> = operator.plane().rows(
        "SELECT actor, reason, outcome FROM control_plane.policy_sync_log \
         WHERE action = 'session.revoke' ORDER BY id LIMIT 2",
    );
    let row = |outcome: &str| ("tester".to_owned(), "r".to_owned(), outcome.to_owned());
    assert_eq!(trail, [row("intent"), row("done")]);
    operator.assert_sound();
}

/// `is_session_valid` is spelled out for speed; for every mark alone and together it says what the
/// judgement says.
#[test]
fn the_quick_answer_is_the_judgement() {
    let operator = Operator::new();
    let tenant = create(&operator, "acme");
    let mut plane = operator.plane();
    let user = user();
    issue(&operator, &user, "acme");
    plane.run(&format!(
        "INSERT INTO control_plane.sessions (jti, user_id, tenant_id, tenant_epoch, user_epoch, \
           issued_at, expires_at, revoked_at) \
         SELECT format('%s %s %s %s', t, u, e, r), '{user}', '{tenant}', t, u, \
           now() - interval '9 h', now() + e * interval '1 h', CASE WHEN r THEN now() END \
         FROM generate_series(0, 3) t, generate_series(0, 5) u, (VALUES (-1), (1)) x (e), \
           (VALUES (true), (false)) y (r)"
    ));
    let mut seen = std::collections::BTreeSet::new();
    for step in [
        "SELECT",
        "UPDATE control_plane.tenant_metadata SET session_epoch = 2",
        "UPDATE control_plane.user_mappings SET session_epoch = 3",
        "INSERT INTO control_plane.user_marks VALUES (md5('x')::uuid, 1, now())",
        "INSERT INTO control_plane.user_marks SELECT auth_user_id, 1, now() \
         FROM control_plane.user_mappings",
        "UPDATE control_plane.user_marks SET session_epoch = 2",
        "UPDATE control_plane.tenant_metadata SET locked_at = now()",
        "UPDATE control_plane.tenant_metadata SET status = 'locked'",
        "UPDATE control_plane.tenant_metadata SET status = 'active', locked_at = NULL",
        "UPDATE control_plane.tenant_metadata SET status = 'deleted', deleted_at = now(), \
         purge_after = now()",
    ] {
        plane.run(step);
        let states: Vec<(String, String, bool)> = plane.rows(
            "SELECT s.state, control_plane.session_state(s.jti), \
             control_plane.is_session_valid(s.jti) FROM control_plane.session_states s",
        );
        assert_eq!(states.len(), 97);
        for (state, asked, is_valid) in states {
            assert_eq!((&asked, is_valid), (&state, state == "valid"), "after {step}");
            seen.insert(state);
        }
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn garbage_claims_never_raise_and_never_pass() {
    let operator = Operator::new();
    let tenant = create(&operator, "acme");
    let mut plane = operator.plane();
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let good = token(&user(), &tenant, now(&mut plane));
    assert_eq!(judged(&mut plane, &good), "unrecorded");
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let mut garbage = vec![json!(null), json!([]), json!("x"), json!(1), json!({}), json!([good])];
    for value in [json!(1), json!(["x"]), json!({}), json!(true), json!("not a uuid"), json!("")] {
        garbage.push(with("sub", value.clone()));
        garbage.push(with("app_metadata", value.clone()));
        garbage.push(with("app_metadata", json!({ "tenant_id": value })));
    }
    for value in [json!(1), json!([]), json!({}), json!(true)] {
        garbage.push(with("jti", value.clone()));
        garbage.push(with("session_id", value));
    }
    garbage.push(with("app_metadata", json!({ "tenant_id": Uuid::new_v4() })));
    garbage.push(with("tenant_epoch", json!("1")));
    garbage.push(with("tenant_epoch", json!(7)));
    for claims in &garbage {
        let state = judged(&mut plane, claims);
        assert!(STATES.contains(&state.as_str()), "{claims}: {state}");
        assert!(!is_valid(&mut plane, claims), "{claims}: {state}");
    }
    // What says nothing of its age passes only until there is a mark to compare it with.
    let _ran = operator.run("--yes session revoke --tenant acme --reason r").success();
    for value in [json!(null), json!("1"), json!(-1), json!(1.5), json!(1e300), json!([])] {
        let claims = with("iat", value);
        assert_eq!(judged(&mut plane, &claims), "tenant_revoked", "{claims}");
    }
}

#[test]
fn a_token_that_was_never_recorded_is_judged_by_its_second() {
    let operator = Operator::new();
    let tenant = create(&operator, "acme");
    let mut plane = operator.plane();
    let user = user();
    let at = |offset: i64, second: i64| token(&user, &tenant, second + offset);
    let before = now(&mut plane);
    assert_eq!(judged(&mut plane, &at(0, before)), "unrecorded");
    assert!(!is_valid(&mut plane, &at(0, before)), "it does not pass unless that was decided");
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    assert!(is_valid(&mut plane, &at(0, before)));
    let mut expired = at(0, before);
    expired["exp"] = json!(before - 1);
    assert_eq!(judged(&mut plane, &expired), "expired");

    let mark = |plane: &mut Session, of: &str| -> i64 {
        plane.value(&format!("SELECT floor(extract(epoch FROM max(sessions_not_before)))::bigint FROM control_plane.{of}"))
    };
    for (what, of, word) in [
        (format!("--user {user}"), "user_marks", "user_revoked"),
        (format!("--user {user} --tenant acme"), "user_mappings", "user_revoked"),
        ("--tenant acme".to_owned(), "tenant_metadata", "tenant_revoked"),
    ] {
        let _ran = operator.run(&format!("--yes session revoke {what} --reason r")).success();
        let second = mark(&mut plane, of);
        assert_eq!(judged(&mut plane, &at(-1, second)), word);
        assert_eq!(judged(&mut plane, &at(0, second)), word, "the very second counts as before");
        assert_eq!(judged(&mut plane, &at(1, second)), "unrecorded");
        // An issuer whose clock is ahead writes later seconds than the database's.
        plane.run("UPDATE control_plane.settings SET clock_skew = '2 s'");
        assert_eq!(judged(&mut plane, &at(2, second)), word);
        assert_eq!(judged(&mut plane, &at(4, second)), "unrecorded");
        plane.run("UPDATE control_plane.settings SET clock_skew = '0'");
        let other = token(&Uuid::new_v4().to_string(), &tenant, before);
        let expected = if of == "tenant_metadata" { word } else { "unrecorded" };
        assert_eq!(judged(&mut plane, &other), expected);
    }
    let _ran = operator.run("lockdown acme --reason r").success();
    let later = now(&mut plane) + 1000;
    assert_eq!(judged(&mut plane, &at(0, later)), "tenant_locked");
}

#[test]
fn a_recorded_session_speaks_for_its_own_user_and_tenant_only() {
    let operator = Operator::new();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let user = user();
    let (jti, other) = (issue(&operator, &user, "acme"), issue(&operator, &user, "acme"));
    let mut plane = operator.plane();
    let second = now(&mut plane);
    let mut claims = token(&user, &acme, second);
    claims["jti"] = json!(jti);
    assert_eq!(judged(&mut plane, &claims), "valid");
    assert!(is_valid(&mut plane, &claims));
    let mut foreign = claims.clone();
    foreign["app_metadata"]["tenant_id"] = json!(globex);
    assert_eq!(judged(&mut plane, &foreign), "unknown");
    let mut foreign = claims.clone();
    foreign["sub"] = json!(Uuid::new_v4());
    assert_eq!(judged(&mut plane, &foreign), "unknown");
    // Revoked under one name is revoked under both.
    claims["session_id"] = json!(other);
    assert_eq!(judged(&mut plane, &claims), "valid");
    let _ran = operator.run(&format!("--yes session revoke --jti {other} --reason r")).success();
    assert_eq!(judged(&mut plane, &claims), "revoked");
}

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
    assert_eq!(claims["jti"], json!(session));
    assert_eq!(claims["app_metadata"]["tenant_id"], json!(acme));
    assert_eq!(state(&mut plane, &session), "valid");
    assert_eq!(judged(&mut plane, claims), "valid");
    // The user's only tenant is found without being named, and a refresh is the same session.
    let refresh = event(&user, &session, None, "token_refresh", second + 1800);
    assert_eq!(hook(&mut auth, &refresh)["claims"]["app_metadata"]["tenant_id"], json!(acme));
    let (count, expiry): (i64, i64) = plane
        .rows("SELECT count(*), max(extract(epoch FROM expires_at))::bigint FROM control_plane.sessions")
        .remove(0);
    assert_eq!((count, expiry), (1, second + 1800 + 3600));
    // An address Postgres cannot read keeps nobody out.
    let mut odd = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "password", second);
    odd["metadata"]["ip_address"] = json!("999.1.1.1");
    assert!(hook(&mut auth, &odd)["error"].is_null());

    let _ran = operator.run(&format!("--yes session revoke --jti {session} --reason r")).success();
    assert_eq!(hook(&mut auth, &refresh)["error"]["http_code"], 403);
    assert_eq!(state(&mut plane, &session), "revoked");
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
    let young =
        event(&user, &Uuid::new_v4().to_string(), Some(&acme), "token_refresh", second + 99);
    assert!(hook(&mut auth, &young)["error"].is_null());
    let _ran = operator.run("lockdown acme --reason r").success();
    let fresh = event(&user, &Uuid::new_v4().to_string(), Some(&acme), "password", second + 200);
    assert_eq!(hook(&mut auth, &fresh)["error"]["http_code"], 403);
}

#[test]
fn auth_calls_the_hook_and_touches_nothing_else() {
    let operator = Operator::beside_auth();
    let mut auth = operator.auth();
    assert_eq!(hook(&mut auth, &json!({})), json!({ "claims": null }));
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
    let jti = issue(&operator, &user, "acme");
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
    let jti = issue(&operator, &user(), "acme");
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
    let jti = issue(&operator, &user, "acme");
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
    assert_eq!(request("authenticated", &unrecorded), Ok(()));
    let _ran = operator.run(&format!("--yes session revoke --jti {jti} --reason r")).success();
    assert_eq!(request("authenticated", &recorded), refused);
    let _ran = operator.run("--yes session revoke --tenant acme --reason r").success();
    assert_eq!(request("authenticated", &unrecorded), refused);
}

/// A login or refresh that is under way when a revocation commits is dead, whichever commits first,
/// and neither waits for the other.
#[test]
fn what_passes_a_revocation_on_the_way_is_dead() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let (one, kept) = (user(), user());
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let second = now(&mut plane);
    let mut newest = 0;
    for what in
        [format!("--user {one}"), format!("--user {one} --tenant acme"), "--tenant acme".to_owned()]
    {
        for method in ["password", "token_refresh"] {
            let session = Uuid::new_v4().to_string();
            newest += 1;
            auth.run("BEGIN");
            let event = event(&one, &session, Some(&acme), method, second + 1000 * newest);
            assert!(hook(&mut auth, &event)["error"].is_null(), "{what}, {method}");
            let _ran = operator.run(&format!("--yes session revoke {what} --reason r")).success();
            auth.run("COMMIT");
            let state = state(&mut plane, &session);
            assert!(state.ends_with("_revoked"), "{what}, {method}: {state}");
        }
    }
    // The refresh of a session that was there before.
    let session = issue(&operator, &kept, "acme");
    auth.run("BEGIN");
    let refresh = event(&kept, &session, Some(&acme), "token_refresh", second);
    assert!(hook(&mut auth, &refresh)["error"].is_null());
    auth.run("COMMIT");
    let _ran = operator.run(&format!("--yes session revoke --user {kept} --reason r")).success();
    assert_eq!(hook(&mut auth, &refresh)["error"]["http_code"], 403);
    let session = Uuid::new_v4().to_string();
    auth.run("BEGIN");
    let login = event(&kept, &session, Some(&acme), "password", second + 99_000);
    assert!(hook(&mut auth, &login)["error"].is_null());
    let _ran = operator.run("lockdown acme --reason r").success();
    auth.run("COMMIT");
    assert_eq!(state(&mut plane, &session), "tenant_locked");
    let _ran = operator.run("--yes unlock acme --reason r").success();
    assert_eq!(state(&mut plane, &session), "tenant_revoked");
}

#[test]
fn refreshes_and_revocations_race_and_none_survives() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let user = user();
    let sessions: Vec<_> = (0..6).map(|_| issue(&operator, &user, "acme")).collect();
    let second = now(&mut operator.plane());
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let passed = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter()
            .map(|session| {
                let (operator, is_over, user, acme) = (&operator, &is_over, &user, &acme);
                scope.spawn(move || {
                    let mut auth = operator.auth();
                    let (mut passed, mut refused) = (0, 0);
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        let event = event(user, session, Some(acme), "token_refresh", second);
                        if hook(&mut auth, &event)["error"].is_null() {
                            passed += 1;
                        } else {
                            refused += 1;
                        }
                    }
                    (passed, refused)
                })
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let _ran =
            operator.run(&format!("--yes session revoke --user {user} --reason r")).success();
        std::thread::sleep(std::time::Duration::from_millis(100));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(passed.iter().all(|(passed, refused)| *passed > 0 && *refused > 0), "{passed:?}");
    let mut plane = operator.plane();
    for session in &sessions {
        assert_eq!(state(&mut plane, session), "user_revoked");
    }
}

#[test]
fn marking_and_pruning_hold_nobody_up() {
    let operator = Operator::new();
    let acme = create(&operator, "acme");
    let user = user();
    let jti = issue(&operator, &user, "acme");
    let mut plane = operator.plane();
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
           SELECT md5('u' || n % 40)::uuid, '{acme}' FROM generate_series(1, 40) n; \
         INSERT INTO control_plane.sessions (jti, user_id, tenant_id, tenant_epoch, user_epoch, \
           issued_at, expires_at) SELECT 's' || n, md5('u' || n % 40)::uuid, '{acme}', 1, 1, \
           now() - n * interval '1 s', now() + interval '1 h' FROM generate_series(1, 12000) n"
    ));
    let planned =
        operator.run("-o json session revoke --tenant acme --reason r --dry-run").success();
    assert_eq!(planned.json()["revocation"]["sessions"], 12_001);
    // Somebody works on a row: it is left out, the rest is marked.
    let mut busy = operator.plane();
    busy.run("BEGIN; SELECT FROM control_plane.sessions WHERE jti = 's7000' FOR UPDATE");
    let ran = operator.run("-o json --yes session revoke --tenant acme --reason r").success();
    assert_eq!(ran.json()["revocation"]["sessions"], 12_001);
    let unmarked: Vec<(String,)> =
        plane.rows("SELECT jti FROM control_plane.sessions WHERE revoked_at IS NULL");
    assert_eq!(unmarked, [("s7000".to_owned(),)]);
    assert_eq!(state(&mut plane, "s7000"), "tenant_revoked");
    plane.run(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '99 d', \
         expires_at = now() - interval '98 d' WHERE jti LIKE 's%' AND jti <> 's7000'",
    );
    let counted = operator.run("-o json session prune --keep 1d --dry-run").success();
    assert_eq!(counted.json()["pruned"]["sessions"], 11_999);
    let ran = operator.run("-o json session prune --keep 1d").success();
    assert_eq!(ran.json()["pruned"]["sessions"], 11_999);
    busy.run("COMMIT");
    let left: Vec<(String,)> = plane.rows("SELECT jti FROM control_plane.sessions ORDER BY 1");
    assert_eq!(left, [(jti,), ("s7000".to_owned(),)]);
}

#[test]
fn a_revocation_ends_what_auth_could_refresh() {
    let operator = Operator::beside_auth();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let (one, two) = (user(), user());
    operator.sign_up(&one, "{}");
    operator.sign_up(&two, &json!({ "tenant_id": acme }).to_string());
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let second = now(&mut plane);
    let mut sign_in = |user: &str, tenant: Option<&str>| {
        let session = Uuid::new_v4().to_string();
        operator.plane().run(&format!(
            "INSERT INTO auth.sessions (id, user_id) VALUES ('{session}', '{user}'); \
             INSERT INTO auth.refresh_tokens (user_id, session_id) VALUES ('{user}', '{session}')"
        ));
        if let Some(tenant) = tenant {
            let event = event(user, &session, Some(tenant), "password", second);
            assert!(hook(&mut auth, &event)["error"].is_null());
        }
        session
    };
    let (a, b) = (sign_in(&one, Some(&acme)), sign_in(&one, Some(&globex)));
    let (c, d) = (sign_in(&two, None), sign_in(&one, Some(&acme)));
    let mut left = || -> Vec<String> {
        let rows: Vec<(String,)> = plane.rows("SELECT id::text FROM auth.sessions ORDER BY 1");
        rows.into_iter().map(|(id,)| id).collect()
    };
    let sorted = |mut ids: Vec<&String>| -> Vec<String> {
        ids.sort();
        ids.into_iter().cloned().collect()
    };
    let revoke = |what: &str| {
        let ran =
            operator.run(&format!("-o json --yes session revoke {what} --reason r")).success();
        ran.json()["revocation"]["auth"]["sessions"].clone()
    };
    assert_eq!(revoke(&format!("--jti {d}")), 1);
    assert_eq!(left(), sorted(vec![&a, &b, &c]));
    assert_eq!(revoke("--tenant acme"), 2);
    assert_eq!(left(), sorted(vec![&b]), "what was recorded for another tenant stays");
    assert_eq!(revoke(&format!("--user {one}")), 1);
    let tokens: i64 = operator.plane().value("SELECT count(*) FROM auth.refresh_tokens");
    assert_eq!(tokens, 0);
    server().superuser(operator.plane_name()).run("REVOKE ALL ON auth.sessions FROM operator");
    let ran = operator.run(&format!("-o json --yes session revoke --user {two} --reason r"));
    let ran = ran.fails_with(8);
    assert_eq!(ran.json()["revocation"]["auth"]["told"], false);
}

#[test]
fn a_stolen_token_is_refused_inside_the_tenants_database() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let (acme, globex) = (operator.tenant("acme").id, create(&operator, "globex"));
    let (one, two) = (user(), user());
    let (a, b) = (issue(&operator, &one, "acme"), issue(&operator, &one, "acme"));
    let c = issue(&operator, &two, "acme");
    let mut app = operator.login("acme").unwrap();
    let second = now(&mut app);
    let mut count = |setting: &str, claims: &Value| -> i64 {
        app.run("BEGIN");
        app.run(&format!("SELECT set_config('app.current_tenant_id', '{setting}', true)"));
        let text = if claims.is_null() { String::new() } else { quoted(claims) };
        app.run(&format!("SELECT set_config('request.jwt.claims', '{text}', true)"));
        let count = app.value("SELECT count(*) FROM public.vendors");
        app.run("COMMIT");
        count
    };
    let with = |user: &str, jti: &str| {
        let mut claims = token(user, &acme, second);
        claims["jti"] = json!(jti);
        claims["tenant_epoch"] = json!(1);
        claims
    };
    let all = count(&acme, &json!(null));
    assert!(all > 0);
    assert_eq!(count("", &with(&one, &a)), all);
    assert_eq!(count(&acme, &with(&one, &a)), all);
    // Another tenant's id, in the setting, in the claims, in both, or nowhere.
    let mut foreign = with(&one, &a);
    foreign["app_metadata"]["tenant_id"] = json!(globex);
    for (setting, claims) in [
        (globex.as_str(), with(&one, &a)),
        (acme.as_str(), foreign.clone()),
        (globex.as_str(), foreign.clone()),
        ("", foreign),
        (globex.as_str(), json!(null)),
        ("", json!(null)),
        ("", json!({})),
        (acme.as_str(), json!([])),
    ] {
        assert_eq!(count(setting, &claims), 0, "{setting} {claims}");
    }
    let _ran = operator.run(&format!("--yes session revoke --jti {a} --reason r")).success();
    assert_eq!(count("", &with(&one, &a)), 0);
    assert_eq!(count("", &with(&one, &b)), all);
    let _ran = operator.run(&format!("--yes session revoke --user {one} --reason r")).success();
    assert_eq!(count("", &with(&one, &b)), 0);
    assert_eq!(count("", &with(&two, &c)), all);
    let mut later = with(&one, &b);
    later["iat"] = json!(second + 60);
    assert_eq!(count("", &later), all, "who signs in again gets in");
    let _ran = operator.run("--yes session revoke --tenant acme --reason r").success();
    assert_eq!(count("", &with(&two, &c)), 0);
    assert_eq!(count(&acme, &json!(null)), all, "the application itself is let in at login");
    let mut inside = server().superuser(&operator.tenant("acme").database);
    let (denied, longest): (i64, bool) = inside
        .rows("SELECT count(*), max(until) <= now() + interval '7 days 1 minute' FROM tenantctl.denied")
        .remove(0);
    assert_eq!(
        (denied, longest),
        (2, true),
        "one session, one user, and no longer than a token lives"
    );
}

/// A claim alone puts nobody into a tenant, and neither does a mark.
#[test]
fn whoever_is_known_to_work_elsewhere_gets_in_by_no_claim() {
    let operator = Operator::beside_auth();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let (known, stranger) = (user(), user());
    issue(&operator, &known, "acme");
    let at = now(&mut plane) + 10;
    assert_eq!(judged(&mut plane, &token(&known, &acme, at)), "unrecorded");
    assert_eq!(judged(&mut plane, &token(&stranger, &globex, at)), "unrecorded");
    assert_eq!(judged(&mut plane, &token(&known, &globex, at)), "unknown");
    assert!(!is_valid(&mut plane, &token(&known, &globex, at)));
    // A mark in one tenant says nothing about others, and the hook puts nobody where one is.
    let line = format!("--yes session revoke --user {stranger} --tenant acme --reason r");
    let _ran = operator.run(&line).success();
    assert_eq!(judged(&mut plane, &token(&stranger, &acme, at - 60)), "user_revoked");
    assert_eq!(judged(&mut plane, &token(&stranger, &globex, at)), "unrecorded");
    let login = event(&stranger, &Uuid::new_v4().to_string(), None, "password", at);
    assert_eq!(hook(&mut auth, &login)["claims"], login["claims"]);
    // Whoever gets a session there works there.
    issue(&operator, &stranger, "acme");
    assert_eq!(judged(&mut plane, &token(&stranger, &globex, at)), "unknown");
    // And no longer once that tenant is gone.
    let _ran = operator.run("--yes tenant delete acme --confirm acme").success();
    assert_eq!(judged(&mut plane, &token(&stranger, &globex, at)), "unrecorded");
}

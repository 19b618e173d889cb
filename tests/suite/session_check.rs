//! `session check` and the functions it asks: the one judgement on sessions and claims.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::claims::{STATES, create, is_valid, judged, now, token, user};
use crate::support::{Operator, Session};

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
    assert_eq!(session["tenant"]["id"], json!(id));
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
        operator.issue(&one, "acme"),
        operator.issue(&one, "acme"),
        operator.issue(&one, "globex"),
    );
    let other = operator.issue(&two, "acme");
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
    let later = operator.issue(&one, "acme");
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
    let last = operator.issue(&two, "acme");
    check(&last, 0, "valid");
    operator.plane().run(&format!(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '2 h', \
         expires_at = now() - interval '1 h' WHERE jti = '{last}'"
    ));
    check(&last, 11, "expired");

    // Who and why.
    let shown = operator.run(&format!("-o json session show {other}")).success().json();
    let session = &shown["session"];
    assert_eq!(
        (&session["revoked_by"], &session["revoke_reason"]),
        (&json!("tester"), &json!("r"))
    );
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
    operator.issue(&user, "acme");
    plane.run(&format!(
        "INSERT INTO control_plane.sessions (jti, session_id, user_id, tenant_id, tenant_epoch, \
           user_epoch, issued_at, expires_at, revoked_at, signed_out_at) \
         SELECT format('%s %s %s %s %s', t, u, e, r, o), gen_random_uuid(), '{user}', '{tenant}', t, u, \
           now() - interval '9 h', now() + e * interval '1 h', CASE WHEN r THEN now() END, \
           CASE WHEN o THEN now() END \
         FROM generate_series(0, 3) t, generate_series(0, 5) u, (VALUES (-1), (1)) x (e), \
           (VALUES (true), (false)) y (r), (VALUES (true), (false)) z (o)"
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
        "UPDATE control_plane.user_mappings SET removed_at = now()",
        "UPDATE control_plane.tenant_metadata SET locked_at = now(), locked_by = 'a test', \
         lock_reason = 'a test'",
        "UPDATE control_plane.tenant_metadata SET locked_at = NULL, locked_by = NULL, lock_reason = NULL",
        "UPDATE control_plane.tenant_metadata SET status = 'deleted', deleted_at = now(), \
         purge_after = now()",
    ] {
        plane.run(step);
        let states: Vec<(String, String, bool)> = plane.rows(
            "SELECT s.state, control_plane.session_state(s.jti), \
             control_plane.is_session_valid(s.jti) FROM control_plane.session_states s",
        );
        assert_eq!(states.len(), 193);
        for (state, asked, is_valid) in states {
            assert_eq!((&asked, is_valid), (&state, state == "valid"), "after {step}");
            seen.insert(state);
        }
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
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
    for value in [json!(null), json!(-1), json!(1.5)] {
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
    let later = now(&mut plane) + 30;
    assert_eq!(judged(&mut plane, &at(0, later)), "tenant_locked");
}

#[test]
fn a_recorded_session_speaks_for_its_own_user_and_tenant_only() {
    let operator = Operator::new();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let user = user();
    let (jti, other) = (operator.issue(&user, "acme"), operator.issue(&user, "acme"));
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

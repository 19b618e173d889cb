//! Revocations while sessions are issued, refreshed, marked and pruned: none survives.

use serde_json::json;
use uuid::Uuid;

use crate::support::claims::{create, event, hook, now, state, state_of_sign_in, user};
use crate::support::{Operator, server};

/// A login or refresh that is under way when a revocation commits is dead, whichever commits first,
/// and neither waits for the other.
#[test]
fn what_passes_a_revocation_on_the_way_is_dead() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let (one, kept) = (user(), user());
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let second = now(&mut plane);
    for what in
        [format!("--user {one}"), format!("--user {one} --tenant acme"), "--tenant acme".to_owned()]
    {
        for method in ["password", "token_refresh"] {
            let session = Uuid::new_v4().to_string();
            auth.run("BEGIN");
            // Later than every mark so far, and no further ahead than clocks may be apart.
            let event = event(&one, &session, Some(&acme), method, now(&mut plane) + 30);
            assert!(hook(&mut auth, &event)["error"].is_null(), "{what}, {method}");
            let _ran = operator.run(&format!("--yes session revoke {what} --reason r")).success();
            auth.run("COMMIT");
            let state = state_of_sign_in(&mut plane, &session);
            assert!(state.ends_with("_revoked"), "{what}, {method}: {state}");
        }
    }
    // The refresh of a session that was there before.
    let session = operator.issue(&kept, "acme");
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
    assert_eq!(state_of_sign_in(&mut plane, &session), "tenant_locked");
    let _ran = operator.run("--yes unlock acme --reason r").success();
    assert_eq!(state_of_sign_in(&mut plane, &session), "tenant_revoked");
}

#[test]
fn revoking_touches_no_session_and_pruning_holds_nobody_up() {
    let operator = Operator::new();
    let acme = create(&operator, "acme");
    let user = user();
    let jti = operator.issue(&user, "acme");
    let mut plane = operator.plane();
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
           SELECT md5('u' || n % 40)::uuid, '{acme}' FROM generate_series(1, 40) n; \
         INSERT INTO control_plane.sessions (jti, session_id, user_id, tenant_id, tenant_epoch, \
           user_epoch, issued_at, expires_at) SELECT 's' || n, 's' || n, md5('u' || n % 40)::uuid, '{acme}', 1, 1, \
           now() - n * interval '1 s', now() + interval '1 h' FROM generate_series(1, 12000) n"
    ));
    let planned =
        operator.run("-o json session revoke --tenant acme --reason r --dry-run").success();
    assert_eq!(planned.json()["revocation"]["sessions"], 12_001);
    // A transaction works on a row: revoking does not wait for it, pruning leaves it out.
    let mut busy = operator.plane();
    busy.run("BEGIN; SELECT FROM control_plane.sessions WHERE jti = 's7000' FOR UPDATE");
    let ran = operator.run("-o json --yes session revoke --tenant acme --reason r").success();
    assert_eq!(ran.json()["revocation"]["sessions"], 12_001);
    let versions: Vec<(i64,)> = plane
        .rows("SELECT count(DISTINCT xmin::text) FROM control_plane.sessions WHERE jti LIKE 's%'");
    assert_eq!(versions, [(1,)], "no row is written after it was inserted");
    for jti in ["s1", "s7000"] {
        assert_eq!(state(&mut plane, jti), "tenant_revoked");
        let shown = operator.run(&format!("-o json session show {jti}")).success().json();
        assert_eq!(shown["session"]["revoke_reason"], "r", "{jti}");
    }
    plane.run(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '99 d', \
         expires_at = now() - interval '98 d' WHERE jti LIKE 's%' AND jti <> 's7000'",
    );
    let counted = operator.run("-o json session prune --keep 1d --dry-run").success();
    assert_eq!(counted.json()["plan"]["pruned"]["sessions"], 11_999);
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
    operator.plane().run(&format!(
        "INSERT INTO auth.sessions (id, user_id) VALUES (gen_random_uuid(), '{two}')"
    ));
    server().superuser(operator.plane_name()).run("REVOKE ALL ON auth.sessions FROM operator");
    let ran = operator.run(&format!("-o json --yes session revoke --user {two} --reason r"));
    let ran = ran.fails_with(8);
    assert_eq!(ran.json()["revocation"]["auth"]["told"], false);
}

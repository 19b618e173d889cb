//! Sessions as Supabase Auth has them: when one began, its parts in several tenants, whose user
//! somebody is, and what Auth ended.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::claims::{create, event, hook, is_valid, judged, now, quoted, token, user};
use crate::support::{Operator, PATIENCE, Session, until};

/// A stock token that Auth refreshed: issued now, of a session that began earlier.
fn refreshed(user: &str, tenant: &str, issued_at: i64, began: i64) -> Value {
    let mut claims = token(user, tenant, issued_at);
    claims["amr"] = json!([{ "method": "password", "timestamp": began }]);
    claims
}

/// Without the hook nothing is recorded, and a refresh moves `iat` past the mark.
#[test]
fn a_session_from_before_a_revocation_is_dead_however_often_it_is_refreshed() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let acme = operator.tenant("acme").id;
    let (mut plane, user) = (operator.plane(), user());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let mut app = operator.login("acme").unwrap();
    let mut rows = |claims: &Value| -> i64 {
        app.run(&format!("SELECT set_config('request.jwt.claims', '{}', false)", quoted(claims)));
        app.value("SELECT count(*) FROM public.vendors")
    };
    let began = now(&mut plane) - 100;
    let before = refreshed(&user, &acme, began + 50, began);
    assert_eq!(judged(&mut plane, &before), "unrecorded");
    assert!(rows(&before) > 0);
    for (line, word) in [
        (format!("session revoke --user {user} --tenant acme"), "user_revoked"),
        ("session revoke --tenant acme".to_owned(), "tenant_revoked"),
    ] {
        let _ran = operator.run(&format!("--yes {line} --reason r")).success();
        let later = now(&mut plane) + 20;
        let dead = refreshed(&user, &acme, later, began);
        assert_eq!(judged(&mut plane, &dead), word);
        assert_eq!(rows(&dead), 0, "the gate judges by the same second: {line}");
        // A second factor given now makes no new session of it.
        let mut stronger = dead.clone();
        stronger["amr"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "method": "totp", "timestamp": later }));
        assert_eq!(judged(&mut plane, &stronger), word);
        assert_eq!(rows(&stronger), 0, "{line}");
        let fresh = refreshed(&user, &acme, later, later);
        assert_eq!(judged(&mut plane, &fresh), "unrecorded");
        assert!(rows(&fresh) > 0, "{line}");
    }
}

/// Auth signs in until it is told of the ban, which is later than the lockdown's commit.
#[test]
fn a_session_that_began_while_the_tenant_was_locked_is_dead_after_the_unlock() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let acme = operator.tenant("acme").id;
    let (mut plane, user) = (operator.plane(), user());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let _ran = operator.run("lockdown acme --reason r").success();
    // A second later than the lockdown's, as whole seconds tell them apart.
    let locked: i64 = plane.value(
        "SELECT floor(extract(epoch FROM sessions_not_before))::bigint \
         FROM control_plane.tenant_metadata",
    );
    let at = until("the next second", PATIENCE, || {
        let at = now(&mut plane);
        if at > locked { Ok(at) } else { Err(format!("it is {at}")) }
    });
    let token = refreshed(&user, &acme, at, at);
    let _ran = operator.run("--yes unlock acme --reason r").success();
    assert_eq!(judged(&mut plane, &token), "tenant_revoked");
    let mut app = operator.login("acme").unwrap();
    app.run(&format!("SELECT set_config('request.jwt.claims', '{}', false)", quoted(&token)));
    assert_eq!(app.value::<i64>("SELECT count(*) FROM public.vendors"), 0);
    assert_eq!(judged(&mut plane, &refreshed(&user, &acme, at + 30, at + 30)), "unrecorded");
}

#[test]
fn the_hook_takes_no_old_session_for_a_new_one() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let _ran = operator.run("--yes session revoke --tenant acme --reason r").success();
    let later = now(&mut plane) + 30;
    for method in ["token_refresh", "totp"] {
        let mut old = event(&user(), &Uuid::new_v4().to_string(), Some(&acme), method, later);
        old["claims"]["amr"] = json!([{ "method": "totp", "timestamp": later },
            { "method": "password", "timestamp": later - 3600 }]);
        assert_eq!(hook(&mut auth, &old)["error"]["http_code"], 403, "{method}");
    }
    let fresh = event(&user(), &Uuid::new_v4().to_string(), Some(&acme), "password", later);
    assert!(hook(&mut auth, &fresh)["error"].is_null());
}

/// Signs in and refreshes, with the tenant that Auth names at the time.
struct User<'a> {
    id: String,
    session: String,
    auth: &'a mut Session,
}

impl User<'_> {
    fn token(&mut self, tenant: Option<&str>, method: &str, at: i64) -> Value {
        hook(self.auth, &event(&self.id, &self.session, tenant, method, at))
    }
}

#[test]
fn a_user_switches_to_and_fro_and_each_part_is_revoked_alone() {
    let operator = Operator::beside_auth();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let mut one = User { id: user(), session: Uuid::new_v4().to_string(), auth: &mut auth };
    let at = now(&mut plane);
    operator.sign_up(&one.id, &json!({ "tenant_id": globex }).to_string());
    plane.run(&format!(
        "INSERT INTO auth.sessions (id, user_id, created_at) VALUES ('{}', '{}', now())",
        one.session, one.id
    ));
    let first = one.token(Some(&acme), "password", at)["claims"].clone();
    let second = one.token(Some(&globex), "token_refresh", at + 5)["claims"].clone();
    assert_eq!(second["app_metadata"]["tenant_id"], json!(globex));
    assert_ne!(first["jti"], second["jti"]);
    for claims in [&first, &second] {
        assert!(is_valid(&mut plane, claims), "the first one counts until it expires: {claims}");
    }
    let again = one.token(Some(&acme), "token_refresh", at + 6)["claims"].clone();
    assert_eq!(again["jti"], first["jti"], "to and fro");

    // Revoking one tenant ends its part, and leaves Auth's session to the other.
    let ran = operator.run("-o json --yes session revoke --tenant acme --reason r").success();
    assert_eq!(ran.json()["revocation"]["auth"]["sessions"], 0);
    assert_eq!(judged(&mut plane, &first), "tenant_revoked");
    assert_eq!(judged(&mut plane, &second), "valid");
    assert_eq!(one.token(Some(&acme), "token_refresh", at + 7)["error"]["http_code"], 403);
    assert!(one.token(Some(&globex), "token_refresh", at + 7)["error"].is_null());

    // A session from before a tenant's mark does not switch into it.
    let mut two = User { id: user(), session: Uuid::new_v4().to_string(), auth: one.auth };
    assert!(two.token(Some(&globex), "password", at - 5)["error"].is_null());
    let refused = two.token(Some(&acme), "token_refresh", at + 8);
    assert_eq!(refused["error"]["message"], "this session was revoked; sign in again");

    // One part alone, and then all of them under Auth's id.
    let jti = second["jti"].as_str().unwrap();
    let _ran = operator.run(&format!("--yes session revoke --jti {jti} --reason r")).success();
    assert_eq!(judged(&mut plane, &second), "revoked");
    let line = format!("--yes session revoke --jti {} --reason r", two.session);
    let _ran = operator.run(&line).success();
    assert_eq!(two.token(Some(&globex), "token_refresh", at + 9)["error"]["http_code"], 403);
    let third = create(&operator, "initech");
    assert_eq!(two.token(Some(&third), "token_refresh", at + 9)["error"]["http_code"], 403);
    let mut stock = token(&two.id, &third, now(&mut plane));
    stock["session_id"] = json!(two.session);
    assert_eq!(judged(&mut plane, &stock), "revoked");
}

/// A removal is final, whatever Auth says and whoever asks, until an operator adds the user again.
#[test]
fn who_was_removed_gets_no_token_session_or_verdict_for_the_tenant() {
    let operator = Operator::beside_auth();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let mut one = User { id: user(), session: Uuid::new_v4().to_string(), auth: &mut auth };
    let at = now(&mut plane);
    let before = one.token(Some(&acme), "password", at)["claims"].clone();
    assert_eq!(judged(&mut plane, &before), "valid");
    plane.run("UPDATE control_plane.user_mappings SET removed_at = now()");
    assert_eq!(judged(&mut plane, &before), "not_a_member");
    let jti = before["jti"].as_str().unwrap();
    assert!(!plane.value::<bool>(&format!("SELECT control_plane.is_session_valid('{jti}')")));
    for method in ["token_refresh", "password"] {
        let answer = one.token(Some(&acme), method, at + 5);
        assert_eq!(answer["claims"]["app_metadata"], json!({}), "{method}: {answer}");
    }
    let claim = refreshed(&one.id, &acme, at + 5, at + 5);
    assert_eq!(judged(&mut plane, &claim), "not_a_member");
    let line = format!("session issue --user {} --tenant acme", one.id);
    let refused = operator.run(&line).fails_with(5);
    assert!(refused.stderr().contains("removed"), "{refused}");
    assert!(one.token(Some(&globex), "password", at + 5)["error"].is_null());
}

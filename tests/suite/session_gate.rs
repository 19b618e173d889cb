//! Claims inside a tenant's database: a stolen token passes no gate.

use serde_json::{Value, json};

use crate::support::claims::{create, judged, now, quoted, token, user};
use crate::support::{Operator, server};

#[test]
fn a_stolen_token_is_refused_inside_the_tenants_database() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let (acme, globex) = (operator.tenant("acme").id, create(&operator, "globex"));
    let (one, two) = (user(), user());
    let (a, b) = (operator.issue(&one, "acme"), operator.issue(&one, "acme"));
    let c = operator.issue(&two, "acme");
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
    let (denied, dated): (i64, i64) =
        inside.rows("SELECT count(*), count(until) FROM tenantctl.denied").remove(0);
    assert_eq!((denied, dated), (2, 0), "one session, one user: a refresh would bring them back");
}

/// Which tenant a user works in is Auth's word. What was once recorded here, and a mark in another
/// tenant, say nothing about it.
#[test]
fn a_user_works_where_auth_says() {
    let operator = Operator::new();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let mut plane = operator.plane();
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let user = user();
    operator.issue(&user, "acme");
    let at = now(&mut plane) + 10;
    assert_eq!(judged(&mut plane, &token(&user, &globex, at)), "unrecorded");
    let line = format!("--yes session revoke --user {user} --tenant acme --reason r");
    let _ran = operator.run(&line).success();
    assert_eq!(judged(&mut plane, &token(&user, &acme, at - 60)), "user_revoked");
    assert_eq!(judged(&mut plane, &token(&user, &globex, at - 60)), "unrecorded");
}

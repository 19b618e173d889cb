//! `lockdown`, `unlock` and `session revoke` where the tenant's database is a Supabase project's.

use serde_json::{Value, json};
use uuid::Uuid;

use super::project::{login, operator};
use crate::support::lockdown::{ALL_REFUSED, LOCK, UNLOCK, pairs, results, state};
use crate::support::management::Fake;
use crate::support::{Operator, Session};

fn with_tenant() -> (Fake, Operator) {
    let (fake, operator) = operator();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    (fake, operator)
}

/// Returns whether the gate lets a token of this second through that the hook issued at this epoch.
fn gate_lets_in(operator: &Operator, app: &mut Session, tenant_epoch: i64) -> bool {
    let second: i64 = app.value("SELECT extract(epoch FROM now())::bigint");
    let claims = json!({
        "iat": second, "sub": Uuid::nil(), "tenant_epoch": tenant_epoch,
        "app_metadata": { "tenant_id": operator.tenant("acme").id },
    });
    app.run(&format!("SET request.jwt.claims = '{claims}'"));
    app.value("SELECT tenantctl.access_allowed()")
}

const ALL_DONE: [(&str, &str); 5] = [
    ("control_plane", "done"),
    ("gate", "done"),
    ("auth", "not_covered"),
    ("project_auth", "absent"),
    ("connections", "done"),
];

#[test]
fn a_project_is_cut_off_proved_and_given_back() {
    let (fake, operator) = with_tenant();
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
    let mut app = login(&operator, "acme").unwrap();
    assert!(gate_lets_in(&operator, &mut app, 1));

    let report = operator.run(LOCK).success().json();
    assert_eq!(report["proven"], true);
    assert_eq!(results(&report, "layers"), pairs(&ALL_DONE));
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    assert!(!app.is_alive(), "open connections are ended");
    assert!(login(&operator, "acme").err().unwrap().starts_with("28000"));
    assert_eq!(state(&operator, &jti), "tenant_locked");
    let again = operator.run(LOCK).success().json();
    assert_eq!(results(&again, "probes"), pairs(&ALL_REFUSED));

    let opened = operator.run(UNLOCK).success().json();
    assert_eq!(opened["tenant"]["lock"], serde_json::Value::Null);
    let words: Vec<_> = results(&opened, "layers");
    let expected = [
        ("connections", "done"),
        ("auth", "absent"),
        ("project_auth", "absent"),
        ("control_plane", "done"),
        ("gate", "done"),
    ];
    assert_eq!(words, pairs(&expected));
    let mut app = login(&operator, "acme").unwrap();
    assert_eq!(state(&operator, &jti), "tenant_revoked", "old sessions stay dead");
    assert!(!gate_lets_in(&operator, &mut app, 1), "old tokens as well");
    assert!(gate_lets_in(&operator, &mut app, 3));
    let _ran = operator.run("audit verify").success();
    fake.assert_true_to_the_document();
}

#[test]
fn a_revocation_reaches_the_gate_in_the_project() {
    let (_fake, operator) = with_tenant();
    let user = Uuid::new_v4().to_string();
    let jti = operator.issue(&user, "acme");
    let mut app = login(&operator, "acme").unwrap();
    for (what, expected) in [
        (format!("--jti {jti}"), "revoked"),
        (format!("--user {user} --tenant acme"), "user_revoked"),
        ("--tenant acme".to_owned(), "tenant_revoked"),
    ] {
        let line = format!("-o json --yes session revoke {what} --reason r");
        let report = operator.run(&line).success().json();
        let gates = &report["revocation"]["gates"];
        assert!(gates == &Value::Null || gates[0]["tenant"]["slug"] == "acme", "{what}: {report}");
        assert_eq!(state(&operator, &jti), expected, "{what}");
    }
    assert!(app.is_alive(), "a revocation ends tokens, not connections");
    assert!(!gate_lets_in(&operator, &mut app, 1));
    assert!(gate_lets_in(&operator, &mut app, 2));
}

/// The Management API is the way in; without it the cut stands where it can be made, and what was
/// not cut is tried and named.
#[test]
fn a_project_that_cannot_be_reached_is_cut_where_it_can_be() {
    let (_fake, operator) = with_tenant();
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
    let cut_off = operator.with("TENANTCTL_MANAGEMENT_API_URL", "http://127.0.0.1:1");
    let report = cut_off.run(&format!("{LOCK} --timeout 6s")).fails_with(12).json();
    assert_eq!(report["proven"], false);
    assert_eq!(
        results(&report, "layers"),
        pairs(&[
            ("control_plane", "done"),
            ("gate", "failed"),
            ("auth", "not_covered"),
            ("project_auth", "failed"),
            ("connections", "failed")
        ])
    );
    // The application's own way leads past the API, and it is open still.
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "could_not_run"), ("login", "got_in")])
    );
    assert!(report["tenant"]["lock"].is_object(), "{report}");
    assert_eq!(state(&cut_off, &jti), "tenant_locked");
    // Nothing is given back while it cannot be given back whole.
    let ran = cut_off.run(&format!("{UNLOCK} --timeout 2s")).fails_with(8).json();
    assert!(ran["tenant"]["lock"].is_object(), "{ran}");
    let revoked = cut_off.run("-o json --yes session revoke --tenant acme --reason r --timeout 2s");
    assert_eq!(revoked.code(), 8, "{revoked}");
}

/// A project hands out one login at a time, so each of several takes it from the one before.
#[test]
fn two_at_once_take_the_projects_login_from_each_other_and_both_prove_it() {
    let (_fake, operator) = with_tenant();
    for line in [LOCK, UNLOCK] {
        let started: Vec<_> = (0..3).map(|_| operator.start(line, &[])).collect();
        for running in started {
            let report = running.wait().success().json();
            assert!(!report["layers"].to_string().contains("failed"), "{report}");
        }
    }
    assert!(login(&operator, "acme").is_ok());
}

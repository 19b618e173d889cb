//! `tenantctl health`: what answers, what does not, and what refuses us.

use serde_json::{Value, json};

use super::project::operator;
use crate::support::mint::{Signer, published};
use crate::support::{JwksServer, Manner, Operator, Ran};

fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let document = ran.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(&check["name"]), text(&check["outcome"]))).collect()
}

fn expected(words: [&str; 4]) -> Vec<(String, String)> {
    let names = ["control_plane", "management_api", "cluster", "jwks"];
    names.into_iter().zip(words).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn all_is_well() {
    let (_fake, operator) = operator();
    let ran = operator.run("health -o json").success();
    assert_eq!(verdicts(&ran), expected(["ok", "ok", "ok", "not_configured"]));
    assert_eq!(ran.json()["healthy"], true);
    assert!(ran.json()["checks"][1]["elapsed_ms"].is_u64());
    let ran = operator.run("health").success();
    assert!(ran.stdout().contains("control_plane"), "{ran}");
}

#[test]
fn the_text_says_where_each_server_is_and_what_starts_our_own() {
    let operator = Operator::new();
    let ran = operator.run("health").success();
    assert_eq!(ran.stdout().matches(&format!("/{}", operator.plane_name())).count(), 2, "{ran}");
    let started = "tenantctl local up";
    // One that was configured is not ours to start.
    let away = operator.with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://u@127.0.0.1:1/d");
    let ran = away.run("health").fails_with(7);
    assert!(!ran.stderr().contains(started), "{ran}");
}

#[test]
fn without_a_token_the_management_api_is_not_configured() {
    let operator = Operator::new();
    let ran = operator.run("health -o json").success();
    assert_eq!(verdicts(&ran), expected(["ok", "not_configured", "ok", "not_configured"]));
}

#[test]
fn a_refused_credential_is_6_and_something_out_of_reach_7() {
    let (fake, operator) = operator();
    let operator = operator.with("SUPABASE_ACCESS_TOKEN", "sbp_wrong");
    let ran = operator.run("health -o json").fails_with(6);
    assert_eq!(verdicts(&ran), expected(["ok", "denied", "ok", "not_configured"]));
    let operator = operator.with("TENANTCTL_MANAGEMENT_API_URL", "http://127.0.0.1:9");
    let ran = operator.run("health -o json").fails_with(7);
    assert_eq!(verdicts(&ran), expected(["ok", "unavailable", "ok", "not_configured"]));
    drop(fake);
}

#[test]
fn an_api_that_is_down_is_7_whatever_it_says() {
    let (fake, operator) = operator();
    fake.fail(json!({ "on": "GET /v1/organizations", "do": "status", "status": 503,
        "text": "error code: 503", "times": 0 }));
    let ran = operator.run("health -o json").fails_with(7);
    assert_eq!(verdicts(&ran)[1].1, "unavailable");
}

#[test]
fn a_control_plane_that_is_not_installed_is_said_so() {
    let operator = Operator::before_init();
    let ran = operator.run("health -o json");
    assert_ne!(ran.code(), 0);
    assert_eq!(ran.json()["healthy"], false);
    assert!(ran.stderr().is_empty(), "{ran}");
}

#[test]
fn the_endpoint_of_the_keys_is_asked_itself_however_fresh_the_copy_is() {
    let keys = published(&[Signer::es256("k1").jwk(), Signer::es384("k2").jwk()]);
    let server = JwksServer::saying(keys.clone());
    let operator = Operator::new().with("TENANTCTL_JWKS_URL", server.url());
    let ran = operator.run("health -o json").success();
    assert_eq!(verdicts(&ran), expected(["ok", "not_configured", "ok", "ok"]));
    let check = ran.json()["checks"][3].take();
    assert_eq!(check["address"], json!(server.url()));
    assert_eq!(check["detail"], "keys that verify: 1, 1 left out");
    assert!(check["elapsed_ms"].is_u64(), "{check}");
    for (manner, words) in [
        (Manner::Status(503, keys.clone()), "503"),
        (Manner::Says("<html></html>".to_owned()), "not JSON"),
        (Manner::Says("{\"keys\":[]}".to_owned()), "it is empty"),
    ] {
        server.now(manner);
        let ran = operator.run("health -o json").fails_with(7);
        assert_eq!(verdicts(&ran), expected(["ok", "not_configured", "ok", "unavailable"]));
        let said = ran.json()["checks"][3]["detail"].to_string();
        assert!(said.contains(words), "{ran}");
    }
    server.now(Manner::Stalls);
    let started = std::time::Instant::now();
    let _ran = operator.run("health -o json --timeout 1s").fails_with(7);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    server.now(Manner::Says(keys));
    let _ran = operator.run("health").success();
    assert_eq!(server.requests(), 6);
}

//! `tenantctl health`: what answers, what does not, and what refuses us.

use serde_json::{Value, json};

use super::project::operator;
use crate::support::{Operator, Ran};

fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let document = ran.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(&check["name"]), text(&check["verdict"]))).collect()
}

fn expected(words: [&str; 3]) -> Vec<(String, String)> {
    let names = ["control_plane", "management_api", "cluster"];
    names.into_iter().zip(words).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn all_is_well() {
    let (_fake, operator) = operator();
    let ran = operator.run("health -o json").success();
    assert_eq!(verdicts(&ran), expected(["ok", "ok", "ok"]));
    assert_eq!(ran.json()["healthy"], true);
    assert!(ran.json()["checks"][1]["latency_ms"].is_u64());
    let ran = operator.run("health").success();
    assert!(ran.stdout().contains("control_plane"), "{ran}");
}

#[test]
fn without_a_token_the_management_api_is_not_configured() {
    let operator = Operator::new();
    let ran = operator.run("health -o json").success();
    assert_eq!(verdicts(&ran), expected(["ok", "not_configured", "ok"]));
}

#[test]
fn a_refused_credential_is_6_and_something_out_of_reach_7() {
    let (fake, operator) = operator();
    let operator = operator.with("SUPABASE_ACCESS_TOKEN", "sbp_wrong");
    let ran = operator.run("health -o json").fails_with(6);
    assert_eq!(verdicts(&ran), expected(["ok", "denied", "ok"]));
    let operator = operator.with("TENANTCTL_MANAGEMENT_API_URL", "http://127.0.0.1:9");
    let ran = operator.run("health -o json").fails_with(7);
    assert_eq!(verdicts(&ran), expected(["ok", "unavailable", "ok"]));
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

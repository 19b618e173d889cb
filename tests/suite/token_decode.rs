//! `token decode`: what a token says, verified or not.

use serde_json::Value;

use crate::support::Operator;
use crate::support::mint::{Signer, claims};
use crate::support::tokens::ANN;

#[test]
fn decode_shows_what_a_token_says_and_that_nothing_of_it_is_verified() {
    let operator = Operator::unconfigured();
    let token = Signer::es256("k1").token(&claims(1_800_000_000));
    let ran = operator.run_reading(&token, "token decode -").success();
    assert!(ran.stdout().starts_with("unverified"), "{ran}");
    assert!(ran.stdout().contains("\"session_id\""), "{ran}");
    assert!(ran.stdout().contains("2027-01-15T09:00:00Z"), "{ran}");
    let decoded = operator.run(&format!("token decode {token} -o json")).success().json();
    assert_eq!(decoded["token"]["verified"], false);
    assert_eq!(decoded["token"]["header"]["alg"], "ES256");
    assert_eq!(decoded["token"]["claims"]["sub"], ANN);
    assert_eq!(decoded["token"]["problem"], Value::Null);
    let signature = token.rsplit('.').next().unwrap();
    assert!(!decoded.to_string().contains(signature));
    let ran = operator.run("token decode not.a -o json").fails_with(11);
    assert_eq!(ran.error()["kind"], "rejected");
}

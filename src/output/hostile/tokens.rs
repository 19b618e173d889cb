//! Tokens, which anybody can write, and the keys that judge them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::harness::{foreign, shown_everywhere};
use super::reports::{AT, views};
use crate::model::ErrorKind;
use crate::output::jwks::{render_keys, render_keys_cleared, warn_about_keys};
use crate::output::token::{render_decoded, render_explanation, render_verdict};
use crate::services::token::{
    Examination, KeySet, Keys, Obstacle, Published, Rules, Token, verify,
};

fn token(header: &Value, claims: &Value) -> Token {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    Token::read(format!("{}.{}.{}", part(header), part(claims), "c2ln").as_bytes())
}

fn published() -> Published {
    let keys = json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": foreign(),
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        { "kty": foreign(), "kid": foreign(), "alg": foreign(), "use": foreign() },
        { "kty": "OKP", "crv": foreign(), "kid": foreign() },
    ] });
    Published {
        set: KeySet::parse(keys.to_string().as_bytes()).unwrap(),
        source: foreign(),
        fetched_at: Some(AT),
        was_fetched: true,
        is_stale: true,
        rests_until: Some(AT),
        problem: Some(foreign()),
        not_kept: Some(foreign()),
    }
}

#[test]
fn verdicts_and_what_a_token_says() {
    let claims = json!({
        "sub": foreign(), "iss": foreign(), "aud": [foreign(), foreign()], "role": foreign(),
        "jti": foreign(), "tenant_id": foreign(), "exp": foreign(), "iat": 0, foreign(): foreign(),
    });
    let plain = json!({
        "sub": foreign(), "iss": foreign(), "aud": foreign(), "role": foreign(), "exp": 1, "iat": 0,
    });
    let rules = Rules {
        issuer: Some(foreign()),
        audience: Some(foreign()),
        tenant: None,
        leeway: Duration::from_secs(1),
        longest_life: Duration::from_secs(1),
    };
    let doubt =
        Obstacle { kind: ErrorKind::Unavailable, message: foreign(), hint: Some(foreign()) };
    for header in [
        json!({ "alg": foreign(), "kid": foreign(), "typ": foreign(), foreign(): foreign() }),
        json!({ "alg": "EdDSA", "kid": foreign() }),
        json!({ "alg": "EdDSA", "kid": "unknown" }),
    ] {
        for claims in [&claims, &plain] {
            let token = token(&header, claims);
            let published = published();
            let keys = Keys { set: Some(&published.set), secret: None, doubt: Some(&doubt) };
            let verdict = verify(&token, &keys, &rules, AT);
            let examination = Examination { verdict, keys: Some(published), judged_at: AT };
            views(
                "a verdict",
                vec![
                    render_verdict(&examination),
                    render_explanation(&examination),
                    render_decoded(&token),
                ],
            );
        }
    }
    views("no token", vec![render_decoded(&Token::read(foreign().as_bytes()))]);
}

#[test]
fn published_keys() {
    let keys = published();
    assert_eq!((keys.set.keys().len(), keys.set.skipped().len()), (1, 2));
    shown_everywhere("a warning about keys", |console| warn_about_keys(console, Some(&keys)));
    views("keys", vec![render_keys(&keys), render_keys_cleared(&foreign(), true)]);
}

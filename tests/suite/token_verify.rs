//! `token verify`, as an operator runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::mint::{ISSUER, Signer, claims, published};
use crate::support::tokens::{ANN, now, offline};
use crate::support::{JwksServer, Operator};

#[test]
fn a_good_token_is_valid_offline_from_an_argument_a_file_and_stdin() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now()));
    let flags = format!("--jwks keys.json --issuer {ISSUER} --audience authenticated");
    fs::write(operator.home().join("token.txt"), format!("{token}\n")).unwrap();
    for ran in [
        operator.run(&format!("token verify {token} {flags}")),
        operator.run(&format!("token verify --file token.txt {flags}")),
        operator.run_reading(&token, &format!("token verify - {flags}")),
        operator.run_reading(&format!("{token}\r\n"), &format!("token verify - {flags}")),
    ] {
        let ran = ran.success();
        assert!(ran.stdout().starts_with("valid\n"), "{ran}");
        assert!(ran.stdout().contains(ANN), "{ran}");
        assert_eq!(ran.stderr(), "", "{ran}");
    }
    let report = operator.run(&format!("token verify {token} {flags} -o json")).success().json();
    assert_eq!(report["format_version"], 1);
    assert_eq!(report["outcome"], "valid");
    assert_eq!(report["reasons"], json!([]));
    assert_eq!(report["claims"]["subject"], ANN);
    assert_eq!(report["claims"]["session"], "dddddddd-0000-4000-8000-000000000004");
    assert_eq!(report["jwks"]["source"], "keys.json");
}

#[test]
fn hs256_needs_a_secret_from_a_file_of_ours_or_the_environment() {
    let text = "your-super-secret-jwt-token-with-at-least-32-characters-long";
    let token = Signer::hs256(text.as_bytes()).token(&claims(now()));
    let published = Signer::rs256("k1");
    let operator = offline(&published);
    let path = operator.home().join("secret");
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let verify = |flags: &str| operator.run_reading(&token, &format!("token verify - {flags}"));
    let ran = verify("--jwks keys.json").fails_with(11);
    assert!(ran.stdout().contains("no secret was given"), "{ran}");
    let _ran = verify("--secret-file secret").success();
    let _ran = verify("--secret-file secret --jwks keys.json").success();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = verify("--secret-file secret").success();
    assert!(ran.stderr().contains("can be read by others"), "{ran}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
    let _ran = verify("--secret-file secret").fails_with(2);
    let of_environment = Operator::unconfigured().with("TENANTCTL_JWT_SECRET", text);
    let ran = of_environment.run_reading(&token, "token verify -").success();
    assert!(!ran.stdout().contains(text) && !ran.stderr().contains(text), "{ran}");
    let forged = Signer::hs256(&published.public_bytes()).token(&claims(now()));
    let _ran = operator.run_reading(&forged, "token verify - --jwks keys.json").fails_with(11);
}

#[test]
fn a_token_is_never_repeated_whatever_goes_wrong() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now() - 7200));
    let signature = token.rsplit('.').next().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    for line in [
        format!("token verify {token} --jwks keys.json -vvv"),
        format!("token verify {token} --jwks keys.json -o json"),
        format!("token explain {token} --jwks keys.json -vvv"),
        format!("token verify {token} {token}"),
        format!("token verify {token} --file keys.json"),
        format!("token verify {token} --leeway x -o json"),
        format!("token verify {token} {token} -o json"),
        format!("token verfy {token}"),
        token.clone(),
        format!("token {token}"),
        format!("token verify {token} --jwks nowhere.json"),
        format!("token verify {token}= --jwks keys.json"),
        format!("token decode {token} -vvv"),
    ] {
        let ran = operator.run(&line);
        assert_ne!(ran.code(), 101);
        for secret in [signature, payload, &payload[..20]] {
            assert!(!ran.stdout().contains(secret), "{}", ran.stdout());
            assert!(!ran.stderr().contains(secret), "{}", ran.stderr());
        }
    }
}

#[test]
fn a_wrong_command_line_or_file_is_usage_and_nothing_is_contacted() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now()));
    fs::write(operator.home().join("empty.json"), "{\"keys\":[]}").unwrap();
    fs::write(operator.home().join("page.json"), "<html></html>").unwrap();
    for (line, words) in [
        ("token verify -", "neither published keys nor a secret"),
        ("token verify - --jwks nowhere.json", "No such file"),
        ("token verify - --jwks empty.json", "it is empty"),
        ("token verify - --jwks page.json", "not JSON"),
        ("token verify - --jwks http://keys.example/jwks.json", "only https"),
        ("token verify - --jwks https://a:b@keys.example/", "login"),
        ("token verify --file nowhere", "No such file"),
        ("token verify", "TOKEN"),
        ("token verify - --jwks keys.json --tenant Acme", "Acme"),
        ("token verify - --jwks keys.json --tenant acme", "find the control plane"),
        ("token verify - --jwks keys.json --leeway=-1s", "--leeway"),
    ] {
        let ran = operator.run_reading(&token, line).fails_with(2);
        assert!(ran.stderr().contains(words), "{ran}");
        assert_eq!(ran.stdout(), "", "{ran}");
    }
}

#[test]
fn the_auth_server_gives_the_issuer_and_the_place_of_the_keys() {
    let signer = Signer::es256("k1");
    let server = JwksServer::saying(published(&[signer.jwk()]));
    let operator = Operator::unconfigured().with("TENANTCTL_AUTH_URL", server.auth_url());
    let mut ours = claims(now());
    ours["iss"] = json!(server.auth_url());
    let _ran = operator.run_reading(&signer.token(&ours), "token verify -").success();
    let theirs = signer.token(&claims(now()));
    let ran = operator.run_reading(&theirs, "token verify -").fails_with(11);
    assert!(ran.stdout().contains("issuer"), "{ran}");
    let _ran =
        operator.run_reading(&theirs, &format!("token verify - --issuer {ISSUER}")).success();
    assert_eq!(server.requests(), 1);
    // The place of the keys may be another than the usual one.
    let other = JwksServer::saying(published(&[signer.jwk()]));
    let operator = operator.with("TENANTCTL_JWKS_URL", other.url());
    let _ran = operator.run_reading(&signer.token(&ours), "token verify -").success();
    assert_eq!((server.requests(), other.requests()), (1, 1));
}

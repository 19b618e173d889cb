//! Every attack on a token's header and claims, as plain values: no process, no server, no clock.

use serde_json::{Value, json};
use tenantctl::testkit::token::{CheckName, Outcome, Rules};

use crate::support::judge::{
    GOOD, NOW, TENANT, bench, changed, expect, judge, judge_by, letters, rules, strict,
};
use crate::support::mint::{ISSUER, claims, encoded};

#[test]
fn honest_tokens_are_valid_whatever_kind_of_key_signed_them() {
    let bench = bench();
    for signer in [&bench.es, &bench.rs, &bench.ed] {
        let verdict = judge(signer.token(&claims(NOW)), &bench.set);
        expect(signer.algorithm(), &verdict, GOOD, "");
        assert_eq!(verdict.outcome(), Outcome::Valid);
        let found = verdict.claims().unwrap();
        assert_eq!(found.subject, "aaaaaaaa-0000-4000-8000-000000000001");
        assert_eq!(found.tenant_id.unwrap().to_string(), TENANT);
        assert_eq!(
            found.session.as_ref().unwrap().as_str(),
            "dddddddd-0000-4000-8000-000000000004"
        );
    }
    let with_jti = bench.es.token(&changed(&[("jti", json!("j-1"))]));
    let verdict = judge(with_jti, &bench.set);
    assert_eq!(verdict.claims().unwrap().session.as_ref().unwrap().as_str(), "j-1");
}

#[test]
fn nothing_configured_is_nothing_compared_and_said_so() {
    let bench = bench();
    let verdict = judge_by(bench.es.token(&claims(NOW)), &bench.set, &strict());
    assert_eq!(letters(&verdict), "PPPPssPsPss");
    assert_eq!(verdict.outcome(), Outcome::Valid);
}

#[test]
fn headers_that_lie_are_refused_each_for_its_own_reason() {
    let bench = bench();
    let (es, c) = (&bench.es, claims(NOW));
    let header = |changes: Value| es.with_header(&changes, &c);
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "JWT" }).to_string();
        format!("{}.{}.", encoded(header.as_bytes()), encoded(c.to_string().as_bytes()))
    };
    for alg in ["none", "None", "nOnE", "NONE", " none"] {
        let verdict = judge(unsigned(alg), &bench.set);
        expect(alg, &verdict, "PFssPPPsPPs", "unsigned");
    }
    for (name, token, results, words) in [
        (
            "alg absent",
            es.sign("{\"typ\":\"JWT\",\"kid\":\"es\"}", c.to_string().as_bytes()),
            "PFssPPPsPPs",
            "none named",
        ),
        ("alg empty", header(json!({ "alg": "" })), "PFssPPPsPPs", "an empty text"),
        ("alg a list", header(json!({ "alg": ["ES256"] })), "PFssPPPsPPs", "a list"),
        ("alg in small letters", header(json!({ "alg": "es256" })), "PFssPPPsPPs", "es256"),
        ("alg ES384", header(json!({ "alg": "ES384" })), "PFssPPPsPPs", "ES384"),
        ("alg PS256", header(json!({ "alg": "PS256" })), "PFssPPPsPPs", "PS256"),
        ("alg HS512", header(json!({ "alg": "HS512" })), "PFssPPPsPPs", "HS512"),
        (
            "RS256 by an EC key",
            header(json!({ "alg": "RS256" })),
            "PPFsPPPsPPs",
            "verifies ES256; the token says RS256",
        ),
        (
            "EdDSA by an EC key",
            header(json!({ "alg": "EdDSA" })),
            "PPFsPPPsPPs",
            "verifies ES256; the token says EdDSA",
        ),
        (
            "ES256 by an RSA key",
            header(json!({ "kid": "rs" })),
            "PPFsPPPsPPs",
            "verifies RS256; the token says ES256",
        ),
        (
            "kid unknown",
            header(json!({ "kid": "nobody" })),
            "PPFsPPPsPPs",
            "found no key `nobody`; expected one of `es`, `rs`, `ed`",
        ),
        ("kid a number", header(json!({ "kid": 7 })), "PPFsPPPsPPs", "the number 7"),
        (
            "kid a path",
            header(json!({ "kid": "../../dev/null" })),
            "PPFsPPPsPPs",
            "no key `../../dev/null`",
        ),
        ("kid SQL", header(json!({ "kid": "' OR 1=1 --" })), "PPFsPPPsPPs", "no key `' OR 1=1 --`"),
        ("kid a URL", header(json!({ "kid": "https://evil.example/k" })), "PPFsPPPsPPs", "no key"),
        ("kid with controls", header(json!({ "kid": "\u{1b}[2J" })), "PPFsPPPsPPs", "\\u{1b}[2J"),
        ("kid empty", header(json!({ "kid": "" })), "PPFsPPPsPPs", "no key an empty text"),
        ("crit", header(json!({ "crit": ["exp"] })), "FPPPPPPsPPs", "`crit`"),
        ("crit empty", header(json!({ "crit": [] })), "FPPPPPPsPPs", "`crit`"),
        ("b64 false", header(json!({ "b64": false })), "FPPPPPPsPPs", "`b64`"),
        ("a logout token", header(json!({ "typ": "logout+jwt" })), "FPPPPPPsPPs", "logout+jwt"),
        ("typ a number", header(json!({ "typ": 1 })), "FPPPPPPsPPs", "the number 1"),
    ] {
        expect(name, &judge(token, &bench.set), results, words);
    }
    let at = header(json!({ "typ": "at+JWT" }));
    expect("an RFC 9068 token", &judge(at, &bench.set), GOOD, "");
}

/// A logout token is signed by the same server with the same key, for the same audience and user.
#[test]
fn tokens_for_another_purpose_are_no_access_tokens() {
    let bench = bench();
    let logout = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let (events, nonce) = (("events", logout), ("nonce", json!("n-1")));
    let of_session = ("sid", json!("dddddddd-0000-4000-8000-000000000004"));
    let refused = "FPPPPPPsPPs";
    for (name, typ, changes, words) in [
        ("a logout token", "logout+jwt", vec![events.clone()], "logout+jwt"),
        ("that says it is a JWT", "JWT", vec![events.clone(), of_session], "`events`"),
        ("with a nonce", "logout+jwt", vec![events.clone(), nonce.clone()], "logout+jwt"),
        ("both", "JWT", vec![events, nonce.clone()], "as a logout token has it"),
        ("events that are none", "at+jwt", vec![("events", json!([]))], "`events`"),
        ("an ID token", "JWT", vec![nonce], "`nonce`, as an ID token has it"),
        ("without a nonce", "JWT", vec![("at_hash", json!("x"))], "`at_hash`"),
        ("of the hybrid flow", "JWT", vec![("c_hash", json!("x"))], "`c_hash`"),
        ("a security event", "secevent+jwt", vec![], "secevent+jwt"),
    ] {
        let token = bench.es.with_header(&json!({ "typ": typ }), &changed(&changes));
        // Used again, it is what it was.
        for _ in 0..2 {
            expect(name, &judge(&token, &bench.set), refused, words);
        }
    }
    // A logout token names a session and need name nobody.
    let nobody = changed(&[("sub", Value::Null), ("events", json!({})), ("sid", json!("s"))]);
    expect("of a session", &judge(bench.es.token(&nobody), &bench.set), refused, "`events`");
}

#[test]
fn claims_that_do_not_fit_are_refused_each_by_its_own_check() {
    let bench = bench();
    let wrong = [
        json!("1800003600"),
        json!(1.8e9),
        json!(1e300),
        json!(-1),
        json!(true),
        json!([1]),
        json!({}),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(253_402_300_800_i64),
    ];
    let mut rows = Vec::new();
    for value in &wrong {
        rows.push(("exp", value.clone(), "PPPPPPFsPPs", "expected whole seconds"));
        rows.push(("nbf", value.clone(), "PPPPPPPFPPs", "expected whole seconds"));
        rows.push(("iat", value.clone(), "PPPPPPPsFPs", "expected whole seconds"));
    }
    let app = |tenant: Value| json!({ "provider": "email", "tenant_id": tenant });
    rows.extend([
        ("exp", Value::Null, "PPPPPPFsPPs", "no `exp`"),
        ("iat", Value::Null, "PPPPPPPsFPs", "no `iat`"),
        ("iss", Value::Null, "PPPPFPPsPPs", "no `iss`"),
        ("aud", Value::Null, "PPPPPFPsPPs", "no `aud`"),
        ("iss", json!(7), "PPPPFPPsPPs", "the number 7"),
        (
            "iss",
            json!(format!("{ISSUER}/")),
            "PPPPFPPsPPs",
            "expected `https://abcdefghijklmnopqrst.supabase.co/auth/v1`",
        ),
        ("iss", json!(ISSUER.to_uppercase()), "PPPPFPPsPPs", "expected"),
        ("iss", json!("https://evil.supabase.co/auth/v1"), "PPPPFPPsPPs", "evil"),
        ("aud", json!("Authenticated"), "PPPPPFPsPPs", "expected `authenticated`"),
        ("aud", json!(["authenticated", "admin"]), "PPPPPFPsPPs", "a list of 2"),
        ("aud", json!([]), "PPPPPFPsPPs", "a list of 0"),
        ("aud", json!([7]), "PPPPPFPsPPs", "a list of 1"),
        ("aud", json!({}), "PPPPPFPsPPs", "an object"),
        ("aud", json!(["authenticated"]), GOOD, ""),
        ("app_metadata", Value::Null, "PPPPPPPsPFs", "no `app_metadata.tenant_id`"),
        ("app_metadata", json!("x"), "PPPPPPPsPFs", "as app_metadata"),
        ("app_metadata", json!({}), "PPPPPPPsPFs", "no `app_metadata.tenant_id`"),
        ("app_metadata", app(json!(7)), "PPPPPPPsPFs", "the number 7"),
        ("app_metadata", app(json!("acme")), "PPPPPPPsPFs", "to be a UUID"),
        ("app_metadata", app(json!(format!("{{{TENANT}}}"))), "PPPPPPPsPFs", "to be a UUID"),
        (
            "app_metadata",
            app(json!("cccccccc-0000-4000-8000-00000000000f")),
            "PPPPPPPsPFs",
            "expected `cccccccc-0000-4000-8000-000000000003`",
        ),
        ("app_metadata", app(json!(TENANT.to_uppercase())), GOOD, ""),
        ("exp", json!(NOW + 86_400), GOOD, ""),
        ("exp", json!(NOW + 86_401), "PPPPPPFsPPs", "expected at most 1day"),
        ("exp", json!(253_402_300_799_i64), "PPPPPPFsPPs", "expected at most 1day"),
        ("exp", json!(0), "PPPPPPFsFPs", "expired"),
    ]);
    for (claim, value, results, words) in rows {
        let name = format!("{claim} = {value}");
        expect(
            &name,
            &judge(bench.es.token(&changed(&[(claim, value)])), &bench.set),
            results,
            words,
        );
    }
    // What the user may write about themselves names no tenant.
    let own = changed(&[
        ("app_metadata", json!({})),
        ("user_metadata", app(json!(TENANT))),
        ("tenant_id", json!(TENANT)),
    ]);
    expect(
        "user_metadata",
        &judge(bench.es.token(&own), &bench.set),
        "PPPPPPPsPFs",
        "no `app_metadata",
    );
}

#[test]
fn the_edges_of_time_are_exact_with_and_without_leeway() {
    let bench = bench();
    for leeway in [0, 30, 60, 300] {
        let rules = Rules { leeway: std::time::Duration::from_secs(leeway), ..rules() };
        let leeway = i64::try_from(leeway).unwrap();
        let judge = |claims: Value| judge_by(bench.es.token(&claims), &bench.set, &rules);
        for (claim, first_bad, last_good, check) in [
            ("exp", NOW - leeway, NOW - leeway + 1, CheckName::Expiry),
            ("nbf", NOW + leeway + 1, NOW + leeway, CheckName::NotBefore),
            // Never more than a minute, whatever the leeway.
            ("iat", NOW + leeway.min(60) + 1, NOW + leeway.min(60), CheckName::IssuedAt),
        ] {
            let mut claims = claims(NOW - 1000);
            claims["exp"] = json!(NOW + 1000);
            claims[claim] = json!(last_good);
            assert_eq!(judge(claims.clone()).outcome(), Outcome::Valid, "{claim} {leeway}");
            claims[claim] = json!(first_bad);
            let verdict = judge(claims);
            let failed: Vec<_> = verdict.failures().map(|failure| failure.name).collect();
            assert_eq!(failed, [check], "{claim} {leeway}");
        }
    }
}

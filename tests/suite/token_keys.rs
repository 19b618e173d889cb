//! Every attack on the keys a token is checked with, as plain values.

use serde_json::{Value, json};
use tenantctl::testkit::model::SecretText;
use tenantctl::testkit::token::{CheckName, Keys, Obstacle, Outcome, SharedSecret, Token, verify};

use crate::support::judge::{GOOD, NOW, at, bench, expect, judge, letters, rules, set};
use crate::support::mint::{Signer, claims, encoded, published};

#[test]
fn a_key_that_comes_with_the_token_is_never_used() {
    let bench = bench();
    let thief = Signer::es256("es");
    let c = claims(NOW);
    for bringer in ["jwk", "jku", "x5u", "x5c"] {
        let value = match bringer {
            "jwk" => thief.jwk(),
            "x5c" => json!(["MIIB"]),
            _ => json!("https://evil.example/jwks.json"),
        };
        let stolen = thief.with_header(&json!({ bringer: value }), &c);
        let verdict = judge(stolen, &bench.set);
        expect(bringer, &verdict, "PPPFPPPsPPs", "not made by this key");
        let key = verdict.check(CheckName::Key).unwrap();
        assert!(key.detail.contains(&format!("`{bringer}` in the header is ignored")), "{key:?}");
        // An honest token with such a header stays what it is.
        let honest = bench.es.with_header(&json!({ bringer: "https://evil.example" }), &c);
        expect(bringer, &judge(honest, &bench.set), GOOD, "");
    }
}

#[test]
fn a_public_key_is_never_a_secret() {
    let bench = bench();
    let c = claims(NOW);
    let text = published(&[bench.rs.jwk()]);
    for public in [bench.rs.public_bytes(), bench.es.public_bytes(), text.into_bytes()] {
        for kid in ["rs", "es", "none"] {
            let forged = Signer::hs256(&public).called(Some(kid)).token(&c);
            expect("HS256", &judge(&forged, &bench.set), "PFssPPPsPPs", "no secret was given");
            // Not even with a secret of the operator's at hand.
            let secret = SharedSecret::new(&SecretText::new("abcdefgh".repeat(4))).unwrap();
            let keys = Keys { set: Some(&bench.set), secret: Some(&secret), doubt: None };
            let verdict = verify(&Token::read(forged.as_bytes()), &keys, &rules(), at(NOW));
            expect("HS256", &verdict, "PPPFPPPsPPs", "not made by this key");
        }
    }
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
    for (bad, words) in [
        (pem.to_owned(), "not a secret"),
        (bench.es.jwk().to_string(), "not a secret"),
        ("short".to_owned(), "5 bytes"),
    ] {
        let error = SharedSecret::new(&SecretText::new(bad)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn hs256_is_checked_with_the_operators_secret_and_nothing_else() {
    let bench = bench();
    let text = "your-super-secret-jwt-token-with-at-least-32-characters-long";
    let secret = SharedSecret::new(&SecretText::new(text.to_owned())).unwrap();
    let keys = Keys { set: None, secret: Some(&secret), doubt: None };
    let judge = |token: String| verify(&Token::read(token.as_bytes()), &keys, &rules(), at(NOW));
    let signer = Signer::hs256(text.as_bytes());
    expect("legacy", &judge(signer.token(&claims(NOW))), GOOD, "");
    let other = Signer::hs256(&[7; 40]);
    expect("another secret", &judge(other.token(&claims(NOW))), "PPPFPPPsPPs", "not made by");
    // Without published keys an asymmetric token is undecided, not refused.
    let verdict = judge(bench.es.token(&claims(NOW)));
    assert_eq!(letters(&verdict), "PPssPPPsPPs");
    assert_eq!(verdict.outcome(), Outcome::Undecided);
    assert!(verdict.obstacle().is_some() && verdict.claims().is_none());
}

#[test]
fn sets_with_bad_entries_still_serve_and_say_what_was_left_out() {
    let good = Signer::es256("good");
    let c = claims(NOW);
    let weak = |bits: usize| {
        let mut n = vec![0xff; bits / 8];
        n[0] = 0xc0;
        json!({ "kty": "RSA", "kid": "weak", "alg": "RS256", "n": encoded(&n), "e": "AQAB" })
    };
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let bad = |kid: &str| Signer::es256(kid).jwk();
    let rs = Signer::rs256("bad").jwk();
    for (name, jwk, kid, alg, words) in [
        ("512 bits", weak(512), "weak", "RS256", "RSA with 512 bits"),
        ("1024 bits", weak(1024), "weak", "RS256", "RSA with 1024 bits"),
        ("16384 bits", weak(16384), "weak", "RS256", "RSA with 16384 bits"),
        ("exponent 1", with(rs.clone(), "e", json!("AQ")), "bad", "RS256", "not those of a key"),
        ("exponent even", with(rs.clone(), "e", json!("Ag")), "bad", "RS256", "not those of a key"),
        ("another curve", Signer::es384("bad").jwk(), "bad", "ES256", "curve `P-384`"),
        (
            "no point",
            with(bad("bad"), "x", json!(encoded(&[1; 32]))),
            "bad",
            "ES256",
            "not on the curve",
        ),
        (
            "a short point",
            with(bad("bad"), "y", json!(encoded(&[1; 31]))),
            "bad",
            "ES256",
            "31 bytes",
        ),
        ("for encryption", with(bad("bad"), "use", json!("enc")), "bad", "ES256", "use is `enc`"),
        ("for signing", with(bad("bad"), "key_ops", json!(["sign"])), "bad", "ES256", "`key_ops`"),
        ("a private key", with(bad("bad"), "d", json!("AAAA")), "bad", "ES256", "gives away"),
        ("another alg", with(bad("bad"), "alg", json!("ES512")), "bad", "ES256", "`ES512`"),
        ("a secret", Signer::hs256(&[1; 32]).called(Some("bad")).jwk(), "bad", "ES256", "a secret"),
        (
            "unknown kty",
            json!({ "kty": "AKP", "kid": "bad", "pub": "AAAA" }),
            "bad",
            "ES256",
            "`AKP`",
        ),
        ("no kty", json!({ "kid": "bad" }), "bad", "ES256", "no text `kty`"),
        ("padding", with(bad("bad"), "x", json!("AA==")), "bad", "ES256", "not base64url"),
    ] {
        let set = set(&[jwk, json!(7), good.jwk()]);
        expect(name, &judge(good.token(&c), &set), GOOD, "");
        let asked = good.with_header(&json!({ "kid": kid, "alg": alg }), &c);
        expect(name, &judge(asked, &set), "PPFsPPPsPPs", words);
    }
}

#[test]
fn names_that_say_nothing_are_refused() {
    let (one, other, good) = (Signer::es256("k"), Signer::es256("k"), Signer::eddsa("good"));
    let c = claims(NOW);
    let twice = set(&[one.jwk(), other.jwk(), good.jwk()]);
    for signer in [&one, &other] {
        expect("two keys", &judge(signer.token(&c), &twice), "PPFsPPPsPPs", "2 different keys");
    }
    expect("its neighbour", &judge(good.token(&c), &twice), GOOD, "");
    let same = set(&[one.jwk(), one.jwk()]);
    expect("one key twice", &judge(one.token(&c), &same), GOOD, "");
    // Without a name a token is accepted only where one key fits.
    let nameless = Signer::es256("x").called(None);
    expect("no choice", &judge(nameless.token(&c), &set(&[nameless.jwk(), good.jwk()])), GOOD, "");
    let choice = set(&[nameless.jwk(), one.jwk()]);
    expect(
        "a choice",
        &judge(nameless.token(&c), &choice),
        "PPFsPPPsPPs",
        "2 of them verify ES256",
    );
    let none = set(&[good.jwk()]);
    expect("no key of the kind", &judge(nameless.token(&c), &none), "PPFsPPPsPPs", "names no key");
}

#[test]
fn an_unknown_name_is_undecided_while_the_endpoint_cannot_be_asked() {
    let (known, unknown) = (Signer::es256("known"), Signer::es256("unknown"));
    let set = set(&[known.jwk()]);
    let doubt = Obstacle {
        kind: tenantctl::testkit::model::ErrorKind::Unavailable,
        message: "get newer keys".to_owned(),
        hint: None,
    };
    let keys = Keys { set: Some(&set), secret: None, doubt: Some(&doubt) };
    let judge = |signer: &Signer| {
        let token = signer.token(&claims(NOW));
        verify(&Token::read(token.as_bytes()), &keys, &rules(), at(NOW)).outcome()
    };
    assert_eq!(judge(&known), Outcome::Valid);
    assert_eq!(judge(&unknown), Outcome::Undecided);
}

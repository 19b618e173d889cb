//! Every attack on a token against every check, as plain values: no process, no server, no clock.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenantctl::model::SecretText;
use tenantctl::services::token::{
    CheckName, CheckResult, KeySet, Keys, Obstacle, Outcome, Rules, SharedSecret, Token, Verdict,
    verify,
};
use time::OffsetDateTime;

use crate::support::mint::{ISSUER, Signer, claims, encoded, published};

const NOW: i64 = 1_800_000_000;
const TENANT: &str = "cccccccc-0000-4000-8000-000000000003";
/// format, algorithm, key, signature, issuer, audience, expiry, `not_before`, `issued_at`, tenant,
/// session: P for pass, F for fail, s for skipped.
const GOOD: &str = "PPPPPPPsPPs";

struct Bench {
    es: Signer,
    rs: Signer,
    ed: Signer,
    set: KeySet,
}

fn bench() -> Bench {
    let (es, rs, ed) = (Signer::es256("es"), Signer::rs256("rs"), Signer::eddsa("ed"));
    let set = set(&[es.jwk(), rs.jwk(), ed.jwk()]);
    Bench { es, rs, ed, set }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(published(keys).as_bytes()).unwrap()
}

fn rules() -> Rules {
    Rules {
        issuer: Some(ISSUER.to_owned()),
        audience: Some("authenticated".to_owned()),
        tenant: Some(TENANT.parse().unwrap()),
        ..Rules::STRICT
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

fn judge(token: impl AsRef<[u8]>, set: &KeySet) -> Verdict {
    judge_by(token, set, &rules())
}

fn judge_by(token: impl AsRef<[u8]>, set: &KeySet, rules: &Rules) -> Verdict {
    let keys = Keys { set: Some(set), ..Keys::default() };
    verify(&Token::read(token.as_ref()), &keys, rules, at(NOW))
}

/// Returns the verdict's checks as one letter each.
fn letters(verdict: &Verdict) -> String {
    let checks = verdict.checks();
    assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), CheckName::ALL);
    let letter = |result| match result {
        CheckResult::Pass => 'P',
        CheckResult::Fail => 'F',
        CheckResult::Skipped => 's',
    };
    checks.iter().map(|check| letter(check.result)).collect()
}

/// Expects these results, and these words in the first failing check.
#[track_caller]
fn expect(name: &str, verdict: &Verdict, results: &str, words: &str) {
    let details: Vec<_> = verdict
        .checks()
        .iter()
        .map(|check| format!("{}: {}", check.name.word(), check.detail))
        .collect();
    let shown = details.join("\n");
    assert_eq!(letters(verdict), results, "{name}\n{shown}");
    let is_refused = results.contains('F');
    assert_eq!(verdict.outcome() == Outcome::Rejected, is_refused, "{name}\n{shown}");
    assert_eq!(verdict.claims().is_some(), results == GOOD, "{name}\n{shown}");
    if let Some(failure) = verdict.failures().next() {
        assert!(failure.detail.contains(words), "{name}: expected `{words}`\n{shown}");
    }
}

fn changed(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims(NOW);
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
            value => claims[*name] = value.clone(),
        }
    }
    claims
}

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
    let verdict = judge_by(bench.es.token(&claims(NOW)), &bench.set, &Rules::STRICT);
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
        expect(alg, &verdict, "PFssPPPsPPs", "nobody signed");
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
            let secret = SharedSecret::new(&SecretText::new("s".repeat(32))).unwrap();
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
        kind: tenantctl::model::ErrorKind::Unavailable,
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

#[test]
fn texts_that_are_no_tokens_are_refused_before_anything_else() {
    let bench = bench();
    let good = bench.es.token(&claims(NOW));
    let [header, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let all_skipped = "Fssssssssss";
    for (name, token, words) in [
        ("nothing", String::new(), "empty"),
        ("one byte too large", format!("{good}{}", "A".repeat(8193 - good.len())), "8192 bytes"),
        ("20 MB", "A".repeat(20_000_000), "8192 bytes"),
        ("one part", "abc".to_owned(), "found 1 part;"),
        ("two parts", format!("{header}.{payload}"), "found 2 parts"),
        ("four parts", format!("{good}.{signature}"), "found 4 parts"),
        ("five parts", format!("{good}.a.b"), "5 are an encrypted token"),
        ("dots", ".".repeat(5000), "5001 parts"),
        ("padding", format!("{good}="), "padding"),
        ("a line break at the end", format!("{good}\n"), "white space"),
        ("a line break inside", good.replace('.', ".\n"), "white space"),
        ("a blank before", format!(" {good}"), "white space at byte 0"),
        ("Bearer", format!("Bearer {good}"), "`Bearer`"),
        ("the other alphabet", format!("{header}.{payload}.ab+/"), "standard alphabet"),
        ("NUL", format!("{good}\0"), "no token has"),
        ("another script", format!("{good}é"), "no token has"),
    ] {
        expect(name, &judge(&token, &bench.set), all_skipped, words);
        // No message repeats the token.
        for check in judge(&token, &bench.set).checks() {
            assert!(!check.detail.contains(signature), "{name}");
        }
    }
    expect("bytes", &judge([0xff, 0xfe, b'.', b'.'], &bench.set), all_skipped, "no token has");
}

#[test]
fn signatures_that_were_cut_or_padded_leave_the_other_checks_alone() {
    let bench = bench();
    let good = bench.es.token(&claims(NOW));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    // The last of 86 characters carries four bits that say nothing; another reader drops them.
    let last = signature.chars().last().unwrap() as u8;
    let sibling = char::from(last + u8::from(matches!(last, b'A' | b'Q' | b'g' | b'w')));
    let short = encoded(&bench.es.signature(b"x")[..61]);
    for (name, token, results, words) in [
        (
            "loose bits",
            format!("{signed}.{}{sibling}", &signature[..85]),
            "FPPFPPPsPPs",
            "canonical",
        ),
        ("cut", good[..good.len() - 1].to_owned(), "FPPFPPPsPPs", "signature is not canonical"),
        ("shorter", format!("{signed}.{short}"), "PPPFPPPsPPs", "found 61 bytes; expected 64"),
        ("longer", format!("{good}AAAA"), "PPPFPPPsPPs", "found 67 bytes; expected 64"),
        ("none", format!("{signed}."), "PPPFPPPsPPs", "it is empty"),
    ] {
        expect(name, &judge(token, &bench.set), results, words);
    }
}

#[test]
fn headers_that_cannot_be_read_leave_the_claims_to_be_judged() {
    let bench = bench();
    let payload = claims(NOW).to_string();
    for (header, words) in [
        ("{alg:ES256}", "header is not JSON"),
        ("", "header is not JSON"),
        ("[]", "header is not a JSON object"),
        ("{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"es\"}", "`alg` stands there twice"),
        ("{\"alg\":\"ES256\",\"kid\":\"es\",\"kid\":\"x\"}", "`kid` stands there twice"),
    ] {
        let token = bench.es.sign(header, payload.as_bytes());
        expect(header, &judge(token, &bench.set), "FsssPPPsPPs", words);
    }
}

#[test]
fn payloads_that_hold_no_claims_leave_the_signature_to_be_judged() {
    let bench = bench();
    let with = |inner: &str| format!("{{{inner},{}", &claims(NOW).to_string()[1..]).into_bytes();
    let number = |digits: usize| with(&format!("\"x\":{}", "9".repeat(digits)));
    let deep = |levels: usize| with(&format!("\"x\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    let no_claims = "FPPPsssssss";
    for (name, payload, results, words) in [
        ("sub twice", with("\"sub\":\"root\""), no_claims, "`sub` stands there twice"),
        ("a name twice, inside", with("\"x\":{\"a\":1,\"a\":2}"), no_claims, "`a` stands there"),
        ("text", b"hello, world".to_vec(), no_claims, "payload is not JSON"),
        ("a number", b"17".to_vec(), no_claims, "payload is not a JSON object"),
        ("nothing", Vec::new(), no_claims, "payload is not JSON"),
        ("Latin-1", b"{\"sub\":\"\xe9\"}".to_vec(), no_claims, "payload is not JSON"),
        ("a byte order mark", "\u{feff}{}".into(), no_claims, "payload is not JSON"),
        ("two documents", b"{} {}".to_vec(), no_claims, "payload is not JSON"),
        ("63 levels inside", deep(63), GOOD, ""),
        ("64 levels inside", deep(64), no_claims, "nested deeper"),
        ("1,500 levels", deep(1500), no_claims, "nested deeper"),
        ("a NUL", with("\"x\":\"a\\u0000b\""), no_claims, "a text holds a NUL"),
        ("1e999", with("\"x\":1e999"), no_claims, "out of range"),
        ("40 digits", number(40), GOOD, ""),
        ("400 digits", number(400), no_claims, "out of range"),
    ] {
        let token = bench.es.sign(&bench.es.header().to_string(), &payload);
        expect(name, &judge(token, &bench.set), results, words);
    }
    for (subject, words) in
        [(Value::Null, "no `sub`"), (json!(""), "0 characters"), (json!(7), "the number 7")]
    {
        let token = bench.es.token(&changed(&[("sub", subject)]));
        expect("sub", &judge(token, &bench.set), "FPPPPPPsPPs", words);
    }
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
            ("iat", NOW + leeway + 1, NOW + leeway, CheckName::IssuedAt),
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

#[test]
fn a_token_says_nothing_about_itself_when_printed_for_debugging() {
    let bench = bench();
    let token = bench.es.token(&claims(NOW));
    let shown = format!("{:?}", Token::read(token.as_bytes()));
    assert_eq!(shown, format!("a token of {} bytes", token.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_altered_token_verifies(kind in 0..3_usize, at in 0..4096_usize, byte: u8, how in 0..4) {
        let bench = shared();
        let signer = [&bench.es, &bench.rs, &bench.ed][kind];
        let honest = signer.token(&claims(NOW)).into_bytes();
        let mut altered = honest.clone();
        let at = at % altered.len();
        match how {
            0 => altered[at] = byte,
            1 => altered[at] ^= 1 << (byte % 8),
            2 => drop(altered.remove(at)),
            _ => altered.insert(at, byte),
        }
        let is_valid = judge(&altered, &bench.set).outcome() == Outcome::Valid;
        prop_assert_eq!(is_valid, altered == honest);
    }

    #[test]
    fn nothing_panics_and_nothing_verifies(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let bench = shared();
        prop_assert_ne!(judge(&bytes, &bench.set).outcome(), Outcome::Valid);
        drop(KeySet::parse(&bytes));
    }

    #[test]
    fn nothing_panics_on_three_parts_of_anything(
        header in "\\PC{0,80}", payload in "\\PC{0,200}",
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let bench = shared();
        let parts = [header.as_bytes(), payload.as_bytes(), &signature].map(encoded);
        let verdict = judge(parts.join("."), &bench.set);
        prop_assert_eq!(verdict.outcome(), Outcome::Rejected);
    }

    #[test]
    fn any_claim_of_any_type_is_judged_without_a_panic(
        name in prop_oneof!["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "app_metadata"],
        value in json_value(),
    ) {
        let bench = shared();
        let verdict = judge(bench.ed.token(&changed(&[(name.as_str(), value)])), &bench.set);
        let signature = verdict.check(CheckName::Signature).unwrap();
        prop_assert_eq!(signature.result, CheckResult::Pass);
    }
}

/// Keys for the properties, made once.
fn shared() -> &'static Bench {
    static BENCH: std::sync::OnceLock<Bench> = std::sync::OnceLock::new();
    BENCH.get_or_init(bench)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z_]{1,12}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

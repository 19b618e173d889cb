//! What is no token, or no longer one: refused, and never a panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenantctl::testkit::token::{CheckName, CheckResult, KeySet, Outcome, Token};

use crate::support::judge::{GOOD, NOW, bench, changed, expect, judge, shared};
use crate::support::mint::{claims, encoded};

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
        ("{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"es\"}", "`alg` appears twice"),
        ("{\"alg\":\"ES256\",\"kid\":\"es\",\"kid\":\"x\"}", "`kid` appears twice"),
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
        ("sub twice", with("\"sub\":\"root\""), no_claims, "`sub` appears twice"),
        ("a name twice, inside", with("\"x\":{\"a\":1,\"a\":2}"), no_claims, "`a` appears twice"),
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

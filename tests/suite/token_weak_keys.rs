//! Keys that anyone can sign with: each is left out of its set with its reason, and the good ones
//! beside it still serve.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tenantctl::testkit::model::SecretText;
use tenantctl::testkit::token::{KeySet, SharedSecret};

use crate::support::Operator;
use crate::support::judge::{GOOD, NOW, expect, judge, set};
use crate::support::mint::{Signer, claims, encoded, published};

/// A modulus of 2048 bits that the library of CVE-2017-15361 made (crocs-muni/roca
/// `roca/tests/data/mod03.txt`, read 2026-11).
const ROCA: &str = "9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9\
    ea6fdc7332e9b0058c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf\
    68f1edb4411f756a097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0d\
    f93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f\
    8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1\
    ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// A big-endian number times a small one, plus another.
fn times(number: &[u8], factor: u32, plus: u32) -> Vec<u8> {
    let mut carry = u64::from(plus);
    let mut digits: Vec<u8> = Vec::new();
    for byte in number.iter().rev() {
        carry += u64::from(*byte) * u64::from(factor);
        digits.push(u8::try_from(carry % 256).unwrap());
        carry /= 256;
    }
    while carry > 0 {
        digits.push(u8::try_from(carry % 256).unwrap());
        carry /= 256;
    }
    digits.reverse();
    digits
}

/// A modulus that nobody can factor.
fn honest() -> Vec<u8> {
    let jwk = Signer::rs256("x").jwk();
    URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()
}

fn rsa(n: &[u8]) -> Value {
    json!({ "kty": "RSA", "kid": "bad", "alg": "RS256", "n": encoded(n), "e": "AQAB" })
}

fn ed(x: &[u8]) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "bad", "alg": "EdDSA", "x": encoded(x) })
}

/// Asserts that a key is left out with these words, and that its neighbour still verifies.
fn assert_left_out(name: &str, jwk: &Value, alg: &str, words: &str) {
    let good = Signer::es256("good");
    let c = claims(NOW);
    let set = set(&[jwk.clone(), good.jwk()]);
    expect(name, &judge(good.token(&c), &set), GOOD, "");
    let asked = good.with_header(&json!({ "kid": "bad", "alg": alg }), &c);
    expect(name, &judge(asked, &set), "PPFsPPPsPPs", words);
    let [skipped] = set.skipped() else { panic!("{name}: {:?}", set.skipped()) };
    assert!(skipped.reason.contains(words), "{name}: {}", skipped.reason);
}

#[test]
fn moduli_that_can_be_factored_are_no_keys() {
    let roca = bytes(ROCA);
    assert_eq!(roca.len(), 256);
    assert_left_out("a published one", &rsa(&roca), "RS256", "ROCA");
    // More of the same structure, of other lengths: products with powers of 65537.
    let mut longer = roca.clone();
    for _ in 0..30 {
        longer = times(&longer, 65_537, 0);
        assert_left_out("made here", &rsa(&longer), "RS256", "ROCA");
    }
    // One step beside it the structure is gone, and that it can be factored cannot be seen.
    let beside = times(&roca, 1, 2);
    let good = Signer::es256("good");
    let set = set(&[rsa(&beside), good.jwk()]);
    for skipped in set.skipped() {
        assert!(skipped.reason.contains("divisible by"), "{}", skipped.reason);
    }
    let small = times(&honest(), 3, 0);
    assert_left_out("a small factor", &rsa(&small), "RS256", "divisible by 3");
    let even = times(&honest(), 2, 0);
    assert_left_out("an even one", &rsa(&even), "RS256", "not those of a key");
}

#[test]
fn honest_moduli_are_never_taken_for_broken_ones() {
    for _ in 0..8 {
        let signer = Signer::new_rs256("own");
        let set = set(&[signer.jwk()]);
        expect("honest", &judge(signer.token(&claims(NOW)), &set), GOOD, "");
    }
}

#[test]
fn points_of_small_order_are_no_keys_however_they_are_written() {
    let of = |first: u8, middle: u8, last: u8| {
        let mut y = [middle; 32];
        (y[0], y[31]) = (first, last);
        y
    };
    let eight = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let minus_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let small = "small order";
    let form = "not in the one form";
    let mut all = vec![
        (of(0, 0, 0).to_vec(), small),
        (of(1, 0, 0).to_vec(), small),
        (of(0xec, 0xff, 0x7f).to_vec(), small),
        (bytes(eight), small),
        (bytes(minus_eight), small),
    ];
    // The prime itself and what lies above it are the same points written another way.
    all.extend((0xed..=0xff).map(|first| (of(first, 0xff, 0x7f).to_vec(), form)));
    for (key, words) in all {
        for sign in [0, 0x80] {
            let mut key = key.clone();
            key[31] |= sign;
            assert_left_out(&format!("{key:02x?}"), &ed(&key), "EdDSA", words);
        }
    }
}

#[test]
fn the_base_point_is_nobodys_key() {
    let mut base = [0x66; 32];
    base[0] = 0x58;
    for sign in [0, 0x80] {
        let mut key = base;
        key[31] |= sign;
        assert_left_out("Ed25519", &ed(&key), "EdDSA", "private key is 1");
    }
    let x = bytes("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    for y in [
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a",
    ] {
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": "bad", "alg": "ES256",
            "x": encoded(&x), "y": encoded(&bytes(y)) });
        assert_left_out("P-256", &key, "ES256", "private key is 1");
    }
    // The point at infinity has no coordinates; zeros are no point.
    let zeros = encoded(&[0; 32]);
    let key = json!({ "kty": "EC", "crv": "P-256", "kid": "bad", "x": zeros, "y": zeros });
    assert_left_out("zeros", &key, "ES256", "not on the curve");
}

#[test]
fn a_key_with_any_private_part_is_given_away() {
    for part in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        let mut jwk = Signer::rs256("bad").jwk();
        jwk[part] = json!("AAAA");
        assert_left_out(part, &jwk, "RS256", "gives away the private key");
    }
}

#[test]
fn a_secret_is_long_by_what_cannot_be_guessed() {
    for (secret, words) in [
        (String::new(), "it has 0 bytes"),
        ("k3".repeat(15), "it has 30 bytes"),
        (format!("{}   \n\t", "k3".repeat(15)), "it has 30 bytes"),
        (" ".repeat(64), "it has 0 bytes"),
        ("\0".repeat(64), "it has 0 bytes"),
        ("a".repeat(64), "it has 1 different bytes"),
        ("password".repeat(8), "it has 7 different bytes"),
    ] {
        let error = SharedSecret::new(&SecretText::new(secret.clone())).unwrap_err().to_string();
        assert!(error.contains(words), "{secret:?}: {error}");
    }
    for secret in ["0123456789abcdef".repeat(2), "abcdefgh".repeat(4)] {
        assert!(SharedSecret::new(&SecretText::new(secret)).is_ok());
    }
}

#[test]
fn what_was_left_out_is_shown_one_by_one() {
    let operator = Operator::unconfigured();
    let good = Signer::eddsa("good");
    let mut point = ed(&[0; 32]);
    point["kid"] = json!("point");
    let mut roca = rsa(&bytes(ROCA));
    roca["kid"] = json!("roca");
    let secret = Signer::hs256(&[7; 40]).called(Some("secret")).jwk();
    let document = published(&[roca, point, secret, good.jwk()]);
    std::fs::write(operator.home().join("keys.json"), &document).unwrap();
    let shown = operator.run("jwks show --jwks keys.json -o json").success().json().to_string();
    for (kid, words) in
        [("roca", "ROCA"), ("point", "small order"), ("secret", "a secret does not")]
    {
        let at = shown.find(&format!("\"kid\":\"{kid}\"")).unwrap();
        assert!(shown[at..].contains(words), "{kid}: {shown}");
    }
    assert_eq!(KeySet::parse(document.as_bytes()).unwrap().keys().len(), 1);
}

//! Tokens of every kind, honest and not: keys of our own, and headers and payloads byte by byte.
//!
//! Also used by the benchmark, so nothing of the suite is needed here.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Who issues the tokens of the tests.
pub(crate) const ISSUER: &str = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";

/// Somebody who can sign.
pub(crate) struct Signer {
    kid: Option<String>,
    key: Key,
}

enum Key {
    Rsa(&'static RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Signer {
    /// ES256, what Supabase gives new projects.
    pub(crate) fn es256(kid: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: Some(kid.to_owned()), key: Key::P256(key) }
    }

    /// ES384, which is not accepted.
    pub(crate) fn es384(kid: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self { kid: Some(kid.to_owned()), key: Key::P384(key) }
    }

    /// RS256 with 2048 bits; one key for all, since they take long to make.
    pub(crate) fn rs256(kid: &str) -> Self {
        static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
        let key = KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Self { kid: Some(kid.to_owned()), key: Key::Rsa(key) }
    }

    /// RS256 with 2048 bits and a key of its own.
    pub(crate) fn new_rs256(kid: &str) -> Self {
        let key = Box::leak(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
        Self { kid: Some(kid.to_owned()), key: Key::Rsa(key) }
    }

    /// `EdDSA`.
    pub(crate) fn eddsa(kid: &str) -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        Self { kid: Some(kid.to_owned()), key: Key::Ed25519(key) }
    }

    /// HS256.
    pub(crate) fn hs256(secret: &[u8]) -> Self {
        Self { kid: None, key: Key::Secret(secret.to_vec()) }
    }

    /// The same key under another name, or none.
    pub(crate) fn called(self, kid: Option<&str>) -> Self {
        Self { kid: kid.map(str::to_owned), key: self.key }
    }

    /// The name of its algorithm.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
            Key::P384(_) => "ES384",
            Key::Ed25519(_) => "EdDSA",
            Key::Secret(_) => "HS256",
        }
    }

    /// The public key as servers publish it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Rsa(key) => {
                json!({ "kty": "RSA", "n": encoded(&modulus(key)), "e": "AQAB" })
            }
            Key::P256(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..]) })
            }
            Key::P384(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-384", "x": encoded(&point[1..49]), "y": encoded(&point[49..]) })
            }
            Key::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_key().as_ref()) })
            }
            Key::Secret(secret) => json!({ "kty": "oct", "k": encoded(secret) }),
        };
        jwk["alg"] = json!(self.algorithm());
        jwk["use"] = json!("sig");
        jwk["key_ops"] = json!(["verify"]);
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// Bytes of the public key that a careless verifier could take for a secret.
    pub(crate) fn public_bytes(&self) -> Vec<u8> {
        match &self.key {
            Key::Rsa(key) => key.public_key().as_ref().to_vec(),
            Key::P256(key) | Key::P384(key) => key.public_key().as_ref().to_vec(),
            Key::Ed25519(key) => key.public_key().as_ref().to_vec(),
            Key::Secret(secret) => secret.clone(),
        }
    }

    /// The header an honest server writes.
    pub(crate) fn header(&self) -> Value {
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    /// An honest token.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), claims.to_string().as_bytes())
    }

    /// A token with changes to its header.
    pub(crate) fn with_header(&self, changes: &Value, claims: &Value) -> String {
        let mut header = self.header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        self.sign(&header.to_string(), claims.to_string().as_bytes())
    }

    /// Any header and any payload, signed.
    pub(crate) fn sign(&self, header: &str, payload: &[u8]) -> String {
        let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(payload));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", encoded(&signature))
    }

    /// A signature of these bytes.
    pub(crate) fn signature(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
            Key::P256(key) | Key::P384(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(bytes).as_ref().to_vec(),
            Key::Secret(secret) => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
                aws_lc_rs::hmac::sign(&key, bytes).as_ref().to_vec()
            }
        }
    }
}

fn modulus(key: &RsaKeyPair) -> Vec<u8> {
    key.public_key().modulus().big_endian_without_leading_zero().to_vec()
}

/// Base64url without padding.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A published set.
pub(crate) fn published(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Claims as Supabase issues them, for an hour from `now`.
pub(crate) fn claims(now: i64) -> Value {
    json!({
        "iss": ISSUER,
        "sub": "aaaaaaaa-0000-4000-8000-000000000001",
        "aud": "authenticated",
        "exp": now + 3600,
        "iat": now,
        "email": "ann@example.com",
        "phone": "",
        "app_metadata": {
            "provider": "email",
            "providers": ["email"],
            "tenant_id": "cccccccc-0000-4000-8000-000000000003",
        },
        "user_metadata": {},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{ "method": "password", "timestamp": now }],
        "session_id": "dddddddd-0000-4000-8000-000000000004",
        "is_anonymous": false,
    })
}

//! Passwords, made here and shown to a server only as a SCRAM-SHA-256 verifier.
//!
//! A statement that sets a password carries the result of [`scram_verifier`], so that the password
//! itself is in no statement, server log or `pg_stat_activity`. `SASLprep` is not implemented: only
//! printable ASCII is accepted, which is what we generate.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::model::{SecretText, sha256};

/// The iteration count of Postgres itself (`scram_iterations`, default 4096).
const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4095);
const SALT_BYTES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScramError {
    /// The password is empty or has other characters than printable ASCII.
    #[error("the password is not made of printable ASCII characters")]
    NotAscii,
    /// The system gave no random bytes.
    #[error("the system's random generator gave no bytes")]
    Random,
}

/// Returns a password of 32 characters from `A-Z a-z 0-9`, about 190 bits.
///
/// No punctuation, so that it needs no escaping in a connection string.
///
/// # Errors
/// [`ScramError::Random`] when the system gives no random bytes.
pub(crate) fn generate_password() -> Result<SecretText, ScramError> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut password = String::with_capacity(32);
    while password.len() < 32 {
        let mut bytes = [0_u8; 64];
        rand::fill(&mut bytes).map_err(|_| ScramError::Random)?;
        // 248 is the largest multiple of 62 that fits: above it every character would not be
        // equally likely.
        for byte in bytes.into_iter().filter(|byte| *byte < 248) {
            if password.len() < 32 {
                password.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    Ok(SecretText::new(password))
}

/// Returns `SCRAM-SHA-256$…`, the verifier of `password` with a fresh salt.
///
/// # Errors
/// [`ScramError::NotAscii`] when the password would need `SASLprep`, [`ScramError::Random`] when no
/// salt could be drawn.
pub(crate) fn scram_verifier(password: &str) -> Result<String, ScramError> {
    if password.is_empty() || !password.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(ScramError::NotAscii);
    }
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| ScramError::Random)?;
    Ok(encode(&Keys::derive(password, &salt, ITERATIONS), &salt, ITERATIONS))
}

/// Returns whether `verifier`, as read from `pg_authid`, belongs to `password`.
pub(crate) fn scram_matches(password: &str, verifier: &str) -> bool {
    let Some((iterations, salt, stored_key)) = decode(verifier) else {
        return false;
    };
    let keys = Keys::derive(password, &salt, iterations);
    constant_time::verify_slices_are_equal(&keys.stored, &stored_key).is_ok()
}

/// The two keys of RFC 5802 that a server keeps.
struct Keys {
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl Keys {
    fn derive(password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let mut salted = zeroize::Zeroizing::new([0_u8; digest::SHA256_OUTPUT_LEN]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            password.as_bytes(),
            salted.as_mut_slice(),
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, salted.as_slice());
        let client = hmac::sign(&key, b"Client Key");
        Self {
            stored: sha256(client.as_ref()).to_vec(),
            server: hmac::sign(&key, b"Server Key").as_ref().to_vec(),
        }
    }
}

fn encode(keys: &Keys, salt: &[u8], iterations: NonZeroU32) -> String {
    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(&keys.stored),
        STANDARD.encode(&keys.server),
    )
}

/// Returns iterations, salt and stored key.
fn decode(verifier: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let (head, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (stored, _server) = keys.split_once(':')?;
    Some((iterations.parse().ok()?, STANDARD.decode(salt).ok()?, STANDARD.decode(stored).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const RFC_MESSAGE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
        r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
        c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

    #[test]
    fn the_keys_are_those_of_rfc_7677() {
        let salt = STANDARD.decode(RFC_SALT).unwrap();
        let keys = Keys::derive("pencil", &salt, ITERATIONS);

        let server = hmac::Key::new(hmac::HMAC_SHA256, &keys.server);
        let signature = hmac::sign(&server, RFC_MESSAGE.as_bytes());
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

        // The client's proof, XORed with HMAC(stored key), must hash to the stored key.
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let stored = hmac::Key::new(hmac::HMAC_SHA256, &keys.stored);
        let mask = hmac::sign(&stored, RFC_MESSAGE.as_bytes());
        let client: Vec<u8> = proof.iter().zip(mask.as_ref()).map(|(a, b)| a ^ b).collect();
        assert_eq!(sha256(&client).as_slice(), keys.stored);
    }

    #[test]
    fn a_verifier_matches_its_own_password_only() {
        let verifier = scram_verifier("correct horse").unwrap();
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert!(scram_matches("correct horse", &verifier));
        assert!(!scram_matches("correct horses", &verifier));
        assert_ne!(verifier, scram_verifier("correct horse").unwrap(), "the salt is fresh");
    }

    #[test]
    fn what_is_no_verifier_matches_nothing() {
        for text in [
            "",
            "md5abc",
            "SCRAM-SHA-256$",
            "SCRAM-SHA-256$0:AA==$AA==:AA==",
            "SCRAM-SHA-256$x:y$z",
        ] {
            assert!(!scram_matches("x", text), "{text}");
        }
    }

    #[test]
    fn passwords_that_need_saslprep_are_refused() {
        for password in ["", "päss", "tab\there", "nul\0"] {
            assert_eq!(scram_verifier(password), Err(ScramError::NotAscii), "{password:?}");
        }
    }

    #[test]
    fn passwords_are_long_plain_and_different() {
        let (a, b) = (generate_password().unwrap(), generate_password().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 32);
        assert!(a.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

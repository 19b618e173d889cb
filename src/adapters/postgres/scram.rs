//! Passwords: made here, and shown to a server only as a SCRAM verifier.
//!
//! `ALTER ROLE … PASSWORD 'x'` would put the password into the server's log when the statement
//! fails; a verifier there is of no use to a reader (RFC 5802, RFC 7677).

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::SecretText;

/// Rounds of PBKDF2, the number Postgres itself uses (`scram_iterations`, default 4096).
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");

/// Returns a password of 32 characters from `A-Z a-z 0-9`, about 190 bits.
///
/// No punctuation, so that it needs no escaping in a connection string.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn generate_password() -> Result<SecretText, aws_lc_rs::error::Unspecified> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut password = String::with_capacity(32);
    while password.len() < 32 {
        let mut bytes = [0_u8; 64];
        rand::fill(&mut bytes)?;
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

/// Returns the SCRAM-SHA-256 verifier of a password, salted anew at each call.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn verifier(password: &SecretText) -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut salt = [0_u8; 16];
    rand::fill(&mut salt)?;
    Ok(verifier_with_salt(password.expose(), &salt))
}

fn verifier_with_salt(password: &str, salt: &[u8]) -> String {
    let mut salted = [0_u8; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key.as_ref()),
        STANDARD.encode(server_key.as_ref())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_the_one_of_rfc_7677() {
        // RFC 7677 §3: user `user`, password `pencil`, this salt, 4096 rounds. The verifier was
        // computed with an independent implementation of RFC 5802.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(
            verifier_with_salt("pencil", &salt),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
             $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn passwords_are_long_plain_and_different() {
        let (a, b) = (generate_password().unwrap(), generate_password().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 32);
        assert!(a.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

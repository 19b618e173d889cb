//! The one secret that HS256 may be checked with: given by the operator, long enough, not public.

use jsonwebtoken::DecodingKey;

use crate::model::{Classified, ErrorKind, SecretText};

/// The fewest bytes of a secret for SHA-256 (RFC 7518 §3.2).
const LEAST_BYTES: usize = 32;

/// The fewest different bytes among them. A secret made at random has three times as many; one that
/// repeats a word has fewer.
const LEAST_DIFFERENT: usize = 8;

/// A secret that HS256 tokens are signed with.
#[derive(Clone)]
pub struct SharedSecret(DecodingKey);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SharedSecretError {
    /// Short enough to be guessed.
    #[error("use the secret for HS256: it has {0} bytes, at least {LEAST_BYTES} are needed")]
    Short(usize),
    /// Long and yet easily guessed.
    #[error(
        "use the secret for HS256: it has {0} different bytes, at least {LEAST_DIFFERENT} are needed"
    )]
    Monotonous(usize),
    /// A key that is published.
    #[error("use the secret for HS256: it is a key or a certificate, not a secret")]
    Public,
}

impl SharedSecret {
    /// # Errors
    /// When it is too short or too plain, or a public key: with a secret that anyone can guess or
    /// read, anyone can sign an HS256 token. White space around it makes no secret longer.
    pub fn new(secret: &SecretText) -> Result<Self, SharedSecretError> {
        let text = secret.expose();
        if text.contains("-----BEGIN ") || text.contains("\"kty\"") || text.starts_with("ssh-") {
            return Err(SharedSecretError::Public);
        }
        let bare = text.trim_matches(|c: char| c.is_whitespace() || c == '\0').as_bytes();
        if bare.len() < LEAST_BYTES {
            return Err(SharedSecretError::Short(bare.len()));
        }
        let different = (0..=u8::MAX).filter(|byte| bare.contains(byte)).count();
        if different < LEAST_DIFFERENT {
            return Err(SharedSecretError::Monotonous(different));
        }
        Ok(Self(DecodingKey::from_secret(text.as_bytes())))
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.0
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("••••")
    }
}

impl Classified for SharedSecretError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

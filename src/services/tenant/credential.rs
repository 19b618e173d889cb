//! The application's password at rest: sealed with AES-256-GCM, bound to the tenant and its role.
//!
//! A sealed text copied to another tenant's row, or to another role's, does not open. The
//! operator's own credentials are never stored at all.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::{Classified, DatabaseName, ErrorKind, Secret, SecretText, TenantId, sha256};

/// The layout of a sealed text: this byte, 8 bytes that identify the key, a 12-byte nonce, then
/// ciphertext and tag.
const LAYOUT: u8 = 1;
const KEY_ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 12;

/// The key that seals stored credentials.
#[derive(Debug, Clone)]
pub(crate) struct SecretKey(Secret<[u8; 32]>);

/// Why a credential cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// The key is not 32 bytes in base64 or hex.
    #[error("use the secret key: it is not 32 bytes in base64 or in hex")]
    Malformed,
    /// There is a credential and no key.
    #[error("open the stored password of `{0}`: no secret key is configured")]
    Missing(String),
    /// Another key sealed it.
    #[error("open the stored password of `{0}`: it was sealed with another key")]
    Other(String),
    /// It was changed, or moved here from another tenant.
    #[error("open the stored password of `{0}`: it was changed or belongs to another tenant")]
    Damaged(String),
    /// The cryptography library refused.
    #[error("seal a password: the cryptography library refused")]
    Refused,
}

impl Classified for KeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed => ErrorKind::Usage,
            Self::Missing(_) => ErrorKind::Refused,
            Self::Other(_) | Self::Damaged(_) => ErrorKind::Denied,
            Self::Refused => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed => Some("make one with: openssl rand -base64 32".to_owned()),
            Self::Missing(slug) => Some(format!(
                "set TENANTCTL_SECRET_KEY_FILE, or make a new password: tenantctl tenant rotate {slug}"
            )),
            Self::Other(slug) | Self::Damaged(slug) => {
                Some(format!("make a new password: tenantctl tenant rotate {slug}"))
            }
            Self::Refused => None,
        }
    }
}

impl SecretKey {
    /// Reads a key written in base64 or hex.
    ///
    /// # Errors
    /// When it is not 32 bytes.
    pub(crate) fn parse(text: &SecretText) -> Result<Self, KeyError> {
        let text = text.expose();
        let bytes = if text.len() == 64 {
            (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect()
        } else {
            STANDARD.decode(text).ok()
        };
        let bytes: Vec<u8> = bytes.ok_or(KeyError::Malformed)?;
        let key = <[u8; 32]>::try_from(bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Self(Secret::new(key)))
    }

    /// Seals a password for one tenant's role.
    ///
    /// # Errors
    /// When the cryptography library refuses.
    pub(super) fn seal(
        &self,
        tenant: TenantId,
        role: &DatabaseName,
        password: &SecretText,
    ) -> Result<Vec<u8>, KeyError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.0.expose())
            .map_err(|_| KeyError::Refused)?;
        let mut text = password.expose().clone().into_bytes();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(binding(tenant, role)), &mut text)
            .map_err(|_| KeyError::Refused)?;
        let mut sealed = vec![LAYOUT];
        sealed.extend(self.id());
        sealed.extend(nonce.as_ref());
        sealed.extend(text);
        Ok(sealed)
    }

    /// Opens what `seal` made, for the same tenant and role; `slug` is for the error's words.
    ///
    /// # Errors
    /// When another key sealed it, or it is not this tenant's.
    pub(super) fn open(
        &self,
        tenant: TenantId,
        role: &DatabaseName,
        sealed: &[u8],
        slug: &str,
    ) -> Result<SecretText, KeyError> {
        let damaged = || KeyError::Damaged(slug.to_owned());
        let rest = sealed.strip_prefix(&[LAYOUT]).ok_or_else(damaged)?;
        let (key_id, rest) = rest.split_at_checked(KEY_ID_LENGTH).ok_or_else(damaged)?;
        if key_id != self.id() {
            return Err(KeyError::Other(slug.to_owned()));
        }
        let (nonce, text) = rest.split_at_checked(NONCE_LENGTH).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.0.expose())
            .map_err(|_| KeyError::Refused)?;
        let mut text = zeroize::Zeroizing::new(text.to_vec());
        let opened = key
            .open_in_place(nonce, Aad::from(binding(tenant, role)), &mut text)
            .map_err(|_| damaged())?;
        let password = std::str::from_utf8(opened).map_err(|_| damaged())?;
        Ok(SecretText::new(password.to_owned()))
    }

    /// Returns what says which key sealed something, without saying anything about the key.
    fn id(&self) -> Vec<u8> {
        let mut text = b"tenantctl key id".to_vec();
        text.extend(self.0.expose());
        sha256(&text)[..KEY_ID_LENGTH].to_vec()
    }
}

fn binding(tenant: TenantId, role: &DatabaseName) -> Vec<u8> {
    format!("tenantctl credential\n{tenant}\n{}", role.login()).into_bytes()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey(Secret::new([byte; 32]))
    }

    #[test]
    fn a_sealed_password_opens_for_its_tenant_and_role_only() {
        let (a, b) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let slug = "acme".parse().unwrap();
        let (role_a, role_b) =
            (DatabaseName::of(&slug, a), DatabaseName::of(&"other".parse().unwrap(), a));
        let password = SecretText::new("canary-password".to_owned());
        let sealed = key(1).seal(a, &role_a, &password).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        assert_eq!(key(1).open(a, &role_a, &sealed, "acme").unwrap(), password);
        let damaged = Err(KeyError::Damaged("acme".to_owned()));
        assert_eq!(key(1).open(b, &role_a, &sealed, "acme"), damaged);
        assert_eq!(key(1).open(a, &role_b, &sealed, "acme"), damaged);
        let other = Err(KeyError::Other("acme".to_owned()));
        assert_eq!(key(2).open(a, &role_a, &sealed, "acme"), other);
        for cut in 0..sealed.len() {
            assert!(key(1).open(a, &role_a, &sealed[..cut], "acme").is_err());
        }
    }

    #[test]
    fn keys_are_read_from_base64_and_hex() {
        let hex = SecretText::new("01".repeat(32));
        let base64 = SecretText::new(STANDARD.encode([1_u8; 32]));
        assert_eq!(SecretKey::parse(&hex).unwrap().0, SecretKey::parse(&base64).unwrap().0);
        for bad in ["", "short", &"zz".repeat(32), &STANDARD.encode([1_u8; 31])] {
            let error = SecretKey::parse(&SecretText::new((*bad).to_owned())).unwrap_err();
            assert_eq!(error, KeyError::Malformed);
        }
    }
}

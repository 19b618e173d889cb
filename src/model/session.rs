//! A session's id and its state.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::words::{UnknownWord, find_word, word_of};

/// The id of a session in a token: the `jti` claim, else `session_id`, which is all that Supabase's
/// own tokens have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Jti(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a JTI has 1 to 255 visible ASCII characters")]
pub struct JtiError;

impl Jti {
    /// Returns a new JTI, a UUID of version 7, so that ids sort by the time of issue.
    pub fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Jti {
    type Err = JtiError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(JtiError) }
    }
}

impl fmt::Display for Jti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `control_plane.session_state` says of a session, and `claims_state` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionState {
    Valid,
    /// The session itself was revoked.
    Revoked,
    Expired,
    /// No such session is recorded.
    Unknown,
    /// Its end in Supabase Auth was seen.
    SignedOut,
    /// An operator removed the user from the tenant.
    NotAMember,
    /// All sessions of the user in this tenant were revoked.
    UserRevoked,
    /// All sessions of the tenant were revoked.
    TenantRevoked,
    /// The tenant is locked down.
    TenantLocked,
    /// Of a token: its session is not recorded, and neither its user nor its tenant was revoked.
    Unrecorded,
    /// Of a token: its user belongs to no tenant.
    NoTenant,
}

impl SessionState {
    const WORDS: [(Self, &'static str); 11] = [
        (Self::Valid, "valid"),
        (Self::Revoked, "revoked"),
        (Self::Expired, "expired"),
        (Self::Unknown, "unknown"),
        (Self::SignedOut, "signed_out"),
        (Self::NotAMember, "not_a_member"),
        (Self::UserRevoked, "user_revoked"),
        (Self::TenantRevoked, "tenant_revoked"),
        (Self::TenantLocked, "tenant_locked"),
        (Self::Unrecorded, "unrecorded"),
        (Self::NoTenant, "no_tenant"),
    ];

    /// Returns the word in the control plane and in JSON.
    pub(crate) fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl FromStr for SessionState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "session state", text)
    }
}

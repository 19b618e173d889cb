//! The checks a token goes through, and the result of each.

/// A check, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckName {
    /// Three parts, canonical base64url, unambiguous JSON, a header without demands, a subject.
    Format,
    /// An algorithm we accept.
    Algorithm,
    /// A key of that name and kind.
    Key,
    /// The signature, and nothing but the signature.
    Signature,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp`.
    Expiry,
    /// `nbf`.
    NotBefore,
    /// `iat`.
    IssuedAt,
    /// `app_metadata.tenant_id`.
    Tenant,
    /// Whether its session is still valid at the control plane.
    Session,
}

impl CheckName {
    /// Returns the word that JSON carries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expiry => "expiry",
            Self::NotBefore => "not_before",
            Self::IssuedAt => "issued_at",
            Self::Tenant => "tenant",
            Self::Session => "session",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    Pass,
    /// The rule is broken: the token is refused.
    Fail,
    /// There was nothing to compare, or no way to compare it.
    Skipped,
}

impl CheckResult {
    /// Returns the word that JSON carries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: CheckName,
    pub result: CheckResult,
    /// What was found, and what was expected; never a part of the token's text.
    pub detail: String,
}

/// The result of a rule, before it is put down under a check's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) result: CheckResult,
    pub(super) detail: String,
}

impl Finding {
    pub(super) fn pass(detail: impl Into<String>) -> Self {
        Self { result: CheckResult::Pass, detail: detail.into() }
    }

    pub(super) fn fail(detail: impl Into<String>) -> Self {
        Self { result: CheckResult::Fail, detail: detail.into() }
    }

    pub(super) fn skipped(detail: impl Into<String>) -> Self {
        Self { result: CheckResult::Skipped, detail: detail.into() }
    }

    pub(super) fn named(self, name: CheckName) -> Check {
        Check { name, result: self.result, detail: self.detail }
    }
}

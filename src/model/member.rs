//! By whose word a user belongs to a tenant, and whether they still do.

use std::str::FromStr;

use super::words::{UnknownWord, find_word, word_of};

/// By whose word a user is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberBy {
    /// Supabase Auth's: `app_metadata.tenant_id` names the tenant.
    Auth,
    /// An operator's: `member add`.
    Operator,
}

impl MemberBy {
    const WORDS: [(Self, &'static str); 2] = [(Self::Auth, "auth"), (Self::Operator, "operator")];

    /// Returns the word in the control plane and in JSON.
    pub(crate) fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl FromStr for MemberBy {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "source of a membership", text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// A token of theirs names the tenant.
    Member,
    /// They were one; Auth's claim names another tenant, or none, or Auth has no such user.
    Former,
    /// An operator removed them: final until `member add`.
    Removed,
}

impl MemberState {
    const WORDS: [(Self, &'static str); 3] =
        [(Self::Member, "member"), (Self::Former, "former"), (Self::Removed, "removed")];

    /// Returns the word in JSON.
    pub(crate) fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }
}

impl FromStr for MemberState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        find_word(&Self::WORDS, "state of a membership", text)
    }
}

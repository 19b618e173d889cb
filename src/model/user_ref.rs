//! A user as an operator names them.

use std::fmt;
use std::str::FromStr;

use super::ids::UserId;

/// A user by id, or by the e-mail address that Supabase Auth has of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    Id(UserId),
    Email(Email),
}

/// An e-mail address as Auth keeps it: in lower case, up to 255 bytes. Whether it exists is Auth's
/// to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a user is a UUID or an e-mail address")]
pub struct UserRefError;

impl Email {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(email) => email.fmt(f),
        }
    }
}

impl FromStr for UserRef {
    type Err = UserRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let fits =
            text.len() <= 255 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        match text.rsplit_once('@') {
            Some((name, domain)) if fits && !name.is_empty() && !domain.is_empty() => {
                Ok(Self::Email(Email(text.to_lowercase())))
            }
            _ => Err(UserRefError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_uuid_or_an_address() {
        let id = "7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11";
        assert!(matches!(id.parse(), Ok(UserRef::Id(_))));
        let Ok(UserRef::Email(email)) = "Ann@Example.com".parse() else { panic!("an address") };
        assert_eq!(email.as_str(), "ann@example.com");
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in ["", "ann", "@", "ann@", "@example.com", "a b@example.com", "a\n@x.y", &long] {
            assert_eq!(bad.parse::<UserRef>(), Err(UserRefError), "{bad:?}");
        }
    }
}

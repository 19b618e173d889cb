//! Where the public keys of tokens are published.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::web_url::{WebUrl, WebUrlError};

/// The place of a JSON Web Key Set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A file; nothing is contacted or cached.
    File(PathBuf),
    Url(WebUrl),
}

impl JwksSource {
    /// Returns `/.well-known/jwks.json` of an Auth server.
    pub fn of_auth_server(auth_url: &WebUrl) -> Result<Self, WebUrlError> {
        format!("{}/.well-known/jwks.json", auth_url.trimmed()).parse().map(Self::Url)
    }
}

impl FromStr for JwksSource {
    type Err = WebUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            text.parse().map(Self::Url)
        } else {
            Ok(Self::File(PathBuf::from(text)))
        }
    }
}

impl fmt::Display for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_file_unless_it_has_a_scheme() {
        assert_eq!("keys.json".parse(), Ok(JwksSource::File(PathBuf::from("keys.json"))));
        assert_eq!("http://evil.example/k".parse::<JwksSource>(), Err(WebUrlError::Insecure));
        let auth: WebUrl = "https://x.supabase.co/auth/v1/".parse().unwrap();
        assert_eq!(
            JwksSource::of_auth_server(&auth).unwrap().to_string(),
            "https://x.supabase.co/auth/v1/.well-known/jwks.json"
        );
    }
}

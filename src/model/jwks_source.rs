//! Where the keys that sign tokens are published.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::{Host, Url};

/// A place on the web that may be asked: https, or http on this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

/// Why a text is no such place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebUrlError {
    /// It cannot be read.
    #[error("it is no URL: {0}")]
    Unreadable(#[from] url::ParseError),
    /// What it says could be read or changed on the way.
    #[error("only https is accepted, and http on this very machine")]
    Insecure,
    /// A login in a URL ends up in logs.
    #[error("a URL with a login in it is not accepted")]
    Login,
}

impl WebUrl {
    /// Returns the URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns the text, without a slash at its end.
    pub fn trimmed(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl FromStr for WebUrl {
    type Err = WebUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text.trim())?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if !(url.scheme() == "https" || url.scheme() == "http" && is_here) {
            return Err(WebUrlError::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebUrlError::Login);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A published set of keys: a file at hand, or an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A file; nothing is contacted or cached.
    File(PathBuf),
    /// An endpoint.
    Url(WebUrl),
}

impl JwksSource {
    /// Returns the endpoint at which an Auth server publishes its keys.
    ///
    /// # Errors
    /// When the server's address takes no path.
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
    fn only_https_and_this_machine_are_asked() {
        for good in [
            "https://x.supabase.co/auth/v1",
            "http://127.0.0.1:9/",
            "http://[::1]/",
            "http://localhost",
        ] {
            assert!(good.parse::<WebUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://x.supabase.co/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user:word@x.supabase.co/",
            "//x",
            "x",
        ] {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad}");
        }
    }

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

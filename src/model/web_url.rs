//! Addresses that HTTP requests may go to: the one rule about unencrypted requests.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// An https URL, or an http URL of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebUrlError {
    #[error("it is not a URL: {0}")]
    Unreadable(#[from] url::ParseError),
    /// Requests could be read or changed on the way.
    #[error("only https is accepted, and http on this machine")]
    Insecure,
    /// A login in a URL would end up in logs.
    #[error("a URL with a login in it is not accepted")]
    Login,
}

impl WebUrl {
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    pub fn into_url(self) -> Url {
        self.0
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
}

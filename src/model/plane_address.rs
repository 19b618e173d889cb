//! Where a command acts: the control plane's address as people recognise it.

use std::fmt;

/// What the private local Postgres is called, and the profile that means it.
const LOCAL: &str = "local";

/// The profile that chose a control plane, its host and its database; never a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlaneAddress {
    /// The chosen profile.
    pub profile: Option<String>,
    /// Whether it is the private local Postgres, which is used where nothing else is set.
    pub is_local: bool,
    /// A name, an address or a socket's directory, with the port where it is not Postgres's own.
    pub host: String,
    pub database: String,
}

impl fmt::Display for PlaneAddress {
    /// Writes `production · db.example.com/postgres`, and `local · …` for the private local Postgres.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.profile.as_deref();
        let local = (self.is_local && profile != Some(LOCAL)).then_some(LOCAL);
        for part in profile.into_iter().chain(local) {
            write!(f, "{part} · ")?;
        }
        write!(f, "{}/{}", self.host, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_local_postgres_is_named_whatever_the_profile_is() {
        for (profile, is_local, shown) in [
            (None, false, "h/d"),
            (Some("prod"), false, "prod · h/d"),
            (None, true, "local · h/d"),
            (Some("local"), true, "local · h/d"),
            (Some("prod"), true, "prod · local · h/d"),
        ] {
            let profile = profile.map(str::to_owned);
            let (host, database) = ("h".to_owned(), "d".to_owned());
            assert_eq!(PlaneAddress { profile, is_local, host, database }.to_string(), shown);
        }
    }
}

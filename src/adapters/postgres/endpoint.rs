//! Where a Postgres is and who we are there.
//!
//! A connection string is taken apart once and every field is set explicitly afterwards, so that
//! neither a second `host=` in it nor `PGHOST` and its siblings in the environment can send us
//! elsewhere. Printing an endpoint never shows its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::endpoint_error::EndpointError;
use super::tls::{ESCAPED, Tls};
use super::waits::Waits;
use crate::model::{Patience, SecretText};

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or address.
    Tcp(String),
    /// A directory that holds the server's Unix socket.
    Socket(PathBuf),
}

/// A server, a database on it, and the login to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How the server is reached.
    pub host: Host,
    /// The port, which is part of a Unix socket's name as well.
    pub port: u16,
    /// The role to log in as.
    pub user: String,
    /// Its password, when one is needed.
    pub password: Option<SecretText>,
    pub database: String,
    tls: Tls,
    pub(super) waits: Waits,
    /// The setting that its address and login are from.
    pub(super) setting: Option<Arc<str>>,
}

impl Endpoint {
    /// Reads a connection string `postgresql://user:password@host:port/database`.
    ///
    /// A Unix socket is written `postgresql://user@/database?host=/directory&port=5432`. Without
    /// `sslmode`, servers beyond this machine must show a certificate that fits (`verify-full`).
    ///
    /// # Errors
    /// When the text is no such string; the message never repeats it.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        // `postgresql://user@/db` has a login but no host, which URL syntax refuses; libpq allows
        // it for sockets.
        let text = text.trim().replacen("@/", "@socket.invalid/", 1);
        let url = Url::parse(&text).map_err(|_| EndpointError::NotAPostgresUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
            return Err(EndpointError::NotAPostgresUrl);
        }
        let mut host = match url.host_str() {
            None | Some("" | "socket.invalid") => None,
            Some(name) => Some(Host::Tcp(name.trim_matches(['[', ']']).to_owned())),
        };
        let mut port = url.port();
        let mut tls = None;
        let mut root_cert = None;
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "host" if host.is_none() && value.starts_with('/') => {
                    host = Some(Host::Socket(PathBuf::from(value.as_ref())));
                }
                "port" if port.is_none() => {
                    port = Some(value.parse().map_err(|_| EndpointError::Value("port"))?);
                }
                "sslmode" if tls.is_none() => {
                    tls = Some(value);
                }
                "sslrootcert" if root_cert.is_none() => {
                    root_cert = Some(value);
                }
                other => {
                    let shown = crate::model::escape_controls(other);
                    return Err(EndpointError::Parameter(crate::model::shorten(&shown, 40)));
                }
            }
        }
        let host = host.ok_or(EndpointError::Missing("host"))?;
        let user = decode(url.username(), "user name")?;
        if user.is_empty() {
            return Err(EndpointError::Missing("user"));
        }
        let password = match url.password() {
            Some(password) => Some(SecretText::new(decode(password, "password")?)),
            None => None,
        };
        let database = decode(url.path().trim_start_matches('/'), "database name")?;
        if database.is_empty() {
            return Err(EndpointError::Missing("database"));
        }
        if database.len() > 63 {
            // Postgres would cut it and mean another database.
            return Err(EndpointError::Value("database name (at most 63 bytes)"));
        }
        let tls = Tls::parse(tls.as_deref(), root_cert.as_deref(), is_this_machine(&host))?;
        let (port, waits) = (port.unwrap_or(5432), Waits::default());
        Ok(Self { host, port, user, password, database, tls, waits, setting: None })
    }

    /// Returns an endpoint on this machine, for a server whose address we made ourselves.
    pub fn loopback(port: u16, user: &str, password: SecretText, database: &str) -> Self {
        Self {
            host: Host::Tcp("127.0.0.1".to_owned()),
            port,
            user: user.to_owned(),
            password: Some(password),
            database: database.to_owned(),
            tls: Tls::OFF,
            waits: Waits::default(),
            setting: None,
        }
    }

    /// Returns a server of our own behind a Unix socket, entered without a password.
    pub fn on_socket(directory: &Path, port: u16, user: &str, database: &str) -> Self {
        Self {
            host: Host::Socket(directory.to_owned()),
            port,
            user: user.to_owned(),
            password: None,
            database: database.to_owned(),
            tls: Tls::OFF,
            waits: Waits::default(),
            setting: None,
        }
    }

    /// Returns a server whose address came from an API or a record. Beyond this machine it must
    /// show a certificate that fits (`verify-full`); with a file of authorities in `root_cert`,
    /// also on this machine.
    pub fn reported(
        host: &str,
        port: u16,
        user: &str,
        database: &str,
        root_cert: Option<PathBuf>,
    ) -> Self {
        let host = Host::Tcp(host.to_owned());
        let tls = Tls::reported(is_this_machine(&host), root_cert);
        let (user, database) = (user.to_owned(), database.to_owned());
        let waits = Waits::default();
        Self { host, port, user, password: None, database, tls, waits, setting: None }
    }

    /// Returns the same server and login with another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// Returns the same server and database with another login.
    #[must_use]
    pub fn with_login(&self, user: &str, password: Option<SecretText>) -> Self {
        Self { user: user.to_owned(), password, setting: None, ..self.clone() }
    }

    /// Returns the same with a password.
    #[must_use]
    pub fn with_password(&self, password: SecretText) -> Self {
        Self { password: Some(password), ..self.clone() }
    }

    /// Returns the same, which a setting says.
    #[must_use]
    pub(crate) fn set_by(self, setting: String) -> Self {
        Self { setting: Some(setting.into()), ..self }
    }

    /// Returns the same, waiting as long for a free connection as this says; by default not at all.
    #[must_use]
    pub(crate) fn waiting(&self, waits: &Waits) -> Self {
        Self { waits: waits.clone(), ..self.clone() }
    }

    /// Returns the same, waiting for a free connection like another.
    #[must_use]
    pub(crate) fn waiting_like(&self, other: &Self) -> Self {
        self.waiting(&other.waits.of_another())
    }

    /// Returns how its sessions wait.
    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Returns for how long its sessions may wait.
    pub(crate) fn patience(&self) -> Patience {
        self.waits.patience()
    }

    /// Returns the same login at another address.
    #[must_use]
    pub fn at(&self, host: &str, port: u16) -> Self {
        let host = if host.starts_with('/') {
            Host::Socket(PathBuf::from(host))
        } else {
            Host::Tcp(host.to_owned())
        };
        Self { host, port, ..self.clone() }
    }

    /// Returns the host as a record keeps it: a name, an address, or a socket's directory.
    pub fn host_text(&self) -> String {
        match &self.host {
            Host::Tcp(name) => name.clone(),
            Host::Socket(directory) => directory.display().to_string(),
        }
    }

    /// Returns the host with its port, where that is not Postgres's own.
    pub(crate) fn place_text(&self) -> String {
        match self.port {
            5432 => self.host_text(),
            port => format!("{}:{port}", self.host_text()),
        }
    }

    /// Returns the connection string with its password: only for who asked with `--reveal`, and for
    /// programs that connect.
    pub fn revealed(&self) -> SecretText {
        let password = self
            .password
            .as_ref()
            .map(|secret| utf8_percent_encode(secret.expose(), ESCAPED).to_string());
        SecretText::new(self.render(password.as_deref()))
    }

    /// Returns what libpq's service file says of it; the password stands elsewhere.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("host", self.host_text()),
            ("port", self.port.to_string()),
            ("dbname", self.database.clone()),
            ("user", self.user.clone()),
        ];
        parameters.extend(self.tls.service_parameters());
        parameters
    }

    /// Returns sqlx's options, every field set by us.
    pub(super) fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            // PgBouncer refuses sessions that set it at their start.
            .extra_float_digits(None)
            .port(self.port)
            .username(&self.user)
            .database(&self.database)
            .password(self.password.as_ref().map_or("", |secret| secret.expose()));
        match &self.host {
            Host::Tcp(name) => self.tls.apply(options.host(name)),
            // `localhost` keeps a host name from the environment out of the error messages.
            Host::Socket(directory) => {
                self.tls.on_socket().apply(options.host("localhost").socket(directory))
            }
        }
    }

    fn render(&self, password: Option<&str>) -> String {
        let user = utf8_percent_encode(&self.user, ESCAPED);
        let database = utf8_percent_encode(&self.database, ESCAPED);
        let login = match password {
            Some(password) => format!("{user}:{password}"),
            None => user.to_string(),
        };
        match &self.host {
            Host::Tcp(name) => {
                let host = if name.contains(':') { format!("[{name}]") } else { name.clone() };
                let tls = self.tls.parameters(is_this_machine(&self.host));
                format!("postgresql://{login}@{host}:{}/{database}{tls}", self.port)
            }
            Host::Socket(directory) => format!(
                "postgresql://{login}@/{database}?host={}&port={}",
                directory.display(),
                self.port
            ),
        }
    }
}

impl fmt::Display for Endpoint {
    /// Writes the connection string with `****` where the password goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Some("****")))
    }
}

fn decode(text: &str, what: &'static str) -> Result<String, EndpointError> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| EndpointError::Value(what))?;
    if decoded.chars().any(char::is_control) {
        return Err(EndpointError::Value(what));
    }
    Ok(decoded.into_owned())
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Socket(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_prints_without_its_password() {
        let endpoint =
            Endpoint::parse("postgres://op:s%40cret@db.example.com:6543/postgres").unwrap();
        assert_eq!(endpoint.host, Host::Tcp("db.example.com".to_owned()));
        assert_eq!(endpoint.password.as_ref().unwrap().expose(), "s@cret");
        let shown = "postgresql://op:****@db.example.com:6543/postgres?sslmode=verify-full";
        assert_eq!(endpoint.to_string(), shown);
        assert_eq!(Endpoint::parse(endpoint.revealed().expose()).unwrap(), endpoint);
        assert!(!format!("{endpoint:?}").contains("cret"));
    }

    #[test]
    fn a_socket_url_is_understood() {
        let endpoint = Endpoint::parse("postgresql://op@/cp?host=/run/pg&port=5433").unwrap();
        assert_eq!(endpoint.host, Host::Socket(PathBuf::from("/run/pg")));
        assert_eq!(endpoint.port, 5433);
        assert_eq!(Endpoint::parse(endpoint.revealed().expose()).unwrap(), endpoint);
    }

    #[test]
    fn only_this_machine_may_speak_in_the_clear_by_default() {
        for (url, tls) in [
            ("postgres://u@127.0.0.1/d", ""),
            ("postgres://u@[::1]:5432/d", ""),
            ("postgres://u@localhost/d", ""),
            ("postgres://u@127.0.0.1.example.com/d", "?sslmode=verify-full"),
            ("postgres://u@10.0.0.1/d", "?sslmode=verify-full"),
            ("postgres://u@db.example.com/d?sslmode=disable", "?sslmode=disable"),
            ("postgres://u@db.example.com/d?sslmode=allow", "?sslmode=prefer"),
            ("postgres://u@localhost/d?sslmode=require", "?sslmode=require"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            let shown = endpoint.to_string();
            assert_eq!(&shown[shown.find("/d").unwrap() + 2..], tls, "{url}");
            assert_eq!(Endpoint::parse(endpoint.revealed().expose()).unwrap(), endpoint, "{url}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for url in [
            "mysql://u:hunter2@h/d",
            "hunter2",
            "postgres://u:hunter2@h",
            "postgres://h/d",
            "postgres://u:hunter2@h/d?host=evil",
            "postgres://u:hunter2@h/d?sslmode=maybe",
            "postgres://u:hunter2@h/d?options=-csearch_path%3Devil",
            "postgres://u:hunter2@/d",
        ] {
            let error = Endpoint::parse(url).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }
}

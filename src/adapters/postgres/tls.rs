//! What a connection demands of the server's certificate: libpq's `sslmode` and `sslrootcert`, as
//! its documentation describes them (`libpq`, "SSL Support", read 2026-11), where sqlx does not.
//!
//! What libpq would quietly not verify although a file of authorities is named is refused here.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::endpoint_error::EndpointError;
use crate::model::escape_controls;

/// What has to be escaped inside the parts of a connection string.
pub(super) const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

/// How much of the server's identity is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS where the server speaks it, and nothing verified.
    Prefer,
    /// TLS, and nothing verified.
    Require,
    /// A certificate of a known authority, whatever host it names.
    VerifyCa,
    /// A certificate of a known authority for this host.
    VerifyFull,
}

/// The authorities that were named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// The public ones, by the word `system`.
    System,
    /// Those in a file, and no others.
    File(PathBuf),
}

/// How a server is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    mode: TlsMode,
    roots: Option<Roots>,
}

impl Tls {
    /// Speaks in the clear: for a server of our own on this machine.
    pub(super) const OFF: Self = Self { mode: TlsMode::Disable, roots: None };

    /// Reads `sslmode` and `sslrootcert` of a connection string. Without `sslmode`, a server must
    /// show a certificate that fits (`verify-full`), unless it is on this machine and no authority
    /// is named.
    ///
    /// # Errors
    /// When the two do not fit together, or the file is not there.
    pub(super) fn parse(
        word: Option<&str>,
        root_cert: Option<&str>,
        is_this_machine: bool,
    ) -> Result<Self, EndpointError> {
        let roots = match root_cert {
            None => None,
            Some("system") => Some(Roots::System),
            Some(file) if Path::new(file).is_file() => Some(Roots::File(PathBuf::from(file))),
            Some(file) => return Err(EndpointError::NoRootCert(escape_controls(file))),
        };
        let mode = match (word, &roots) {
            (None, None) if is_this_machine => TlsMode::Prefer,
            (None | Some("verify-full"), _) => TlsMode::VerifyFull,
            // "Weak" modes with everybody's authorities would let anyone's certificate in.
            (Some(_), Some(Roots::System)) => {
                return Err(EndpointError::Tls("its sslrootcert=system needs sslmode=verify-full"));
            }
            (Some("disable"), _) => TlsMode::Disable,
            // `allow` tries without TLS first; what it accepts is the same.
            (Some("allow" | "prefer"), None) => TlsMode::Prefer,
            (Some("allow" | "prefer"), Some(_)) => {
                return Err(EndpointError::Tls(
                    "its sslmode goes on without TLS where the server is not of the authority in \
                     sslrootcert; use verify-full or verify-ca",
                ));
            }
            (Some("require"), None) => TlsMode::Require,
            // "If a root CA file exists, the behavior of sslmode=require will be the same as that
            // of verify-ca".
            (Some("require" | "verify-ca"), Some(_)) => TlsMode::VerifyCa,
            (Some("verify-ca"), None) => {
                return Err(EndpointError::Tls(
                    "its sslmode=verify-ca needs sslrootcert, the file of the authority; \
                     sslmode=verify-full does without",
                ));
            }
            (Some(_), _) => return Err(EndpointError::Mode),
        };
        Ok(Self { mode, roots })
    }

    /// Returns what a server is asked for whose address came from an API or a record: a certificate
    /// that fits, unless it is on this machine and no file of authorities is named.
    pub(super) fn reported(is_this_machine: bool, root_cert: Option<PathBuf>) -> Self {
        let is_trusted = is_this_machine && root_cert.is_none();
        let mode = if is_trusted { TlsMode::Prefer } else { TlsMode::VerifyFull };
        Self { mode, roots: root_cert.map(Roots::File) }
    }

    /// Returns the same for a Unix socket, where no server speaks TLS: it is not asked whether it does.
    pub(super) fn on_socket(&self) -> Self {
        match self.mode {
            TlsMode::Prefer => Self::OFF,
            _ => self.clone(),
        }
    }

    /// Sets what sqlx demands.
    pub(super) fn apply(&self, options: PgConnectOptions) -> PgConnectOptions {
        let options = options.ssl_mode(match self.mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
        match (&self.roots, self.mode) {
            (Some(Roots::File(file)), _) => options.ssl_root_cert(file),
            // By itself sqlx trusts nobody (`.cargo/webpki-roots`).
            (Some(Roots::System) | None, TlsMode::VerifyFull) => {
                options.ssl_root_cert_from_pem(public_roots().to_vec())
            }
            (Some(Roots::System) | None, _) => options,
        }
    }

    /// Returns the parameters that mean the same in a service file.
    pub(super) fn service_parameters(&self) -> Vec<(&'static str, String)> {
        let public = || {
            let found = PUBLIC.into_iter().find(|file| Path::new(file).is_file());
            found.unwrap_or("system").to_owned()
        };
        let roots = match (&self.roots, self.mode) {
            (Some(Roots::File(file)), _) => Some(file.display().to_string()),
            (_, TlsMode::VerifyFull) => Some(public()),
            _ => None,
        };
        let roots = roots.map(|roots| ("sslrootcert", roots));
        [("sslmode", self.mode.word().to_owned())].into_iter().chain(roots).collect()
    }

    /// Returns the parameters that mean the same in a connection string; nothing where its default
    /// does.
    pub(super) fn parameters(&self, is_this_machine: bool) -> String {
        if is_this_machine && matches!(self.mode, TlsMode::Disable | TlsMode::Prefer) {
            return String::new();
        }
        let word = self.mode.word();
        // Where the string is used, the server must be verified by the same.
        match &self.roots {
            None => format!("?sslmode={word}"),
            Some(Roots::System) => format!("?sslmode={word}&sslrootcert=system"),
            Some(Roots::File(file)) => {
                let file = file.to_string_lossy();
                let file = utf8_percent_encode(&file, ESCAPED);
                format!("?sslmode={word}&sslrootcert={file}")
            }
        }
    }
}

impl TlsMode {
    fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Where systems keep the certificates of the public authorities: libpq knows them by the word
/// `system` only from 16 on, and trusts nobody without a file.
const PUBLIC: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Returns the certificates of the public authorities, as sqlx takes them.
fn public_roots() -> &'static [u8] {
    static ROOTS: OnceLock<Vec<u8>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut text = String::new();
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            STANDARD.encode_string(root, &mut text);
            text.push_str("\n-----END CERTIFICATE-----\n");
        }
        text.into_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_authorities_are_handed_over_whole() {
        let read = reqwest::Certificate::from_pem_bundle(public_roots()).unwrap();
        assert_eq!(read.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        assert!(read.len() > 50);
    }
}

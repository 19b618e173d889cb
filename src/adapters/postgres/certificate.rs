//! What is wrong with a server's certificate, in dates and with what to do about it.
//!
//! The texts are those of rustls 0.23 (`CertificateError`), of sqlx 0.9 and of the file system; they are
//! read here because nothing else of them comes through (read 2026-11).

use time::OffsetDateTime;

use crate::model::{ErrorKind, instant};

/// Why TLS did not come about; trying again helps nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsTrouble {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// Reads what TLS said; nothing where it is not TLS that failed for good.
pub(super) fn trouble(said: &str) -> Option<TlsTrouble> {
    let trouble = |kind, message: String, hint| Some(TlsTrouble { kind, message, hint });
    if said.contains("server does not support TLS") {
        let message = "the server offers no TLS, and its certificate is to be verified".to_owned();
        let hint = "switch TLS on there; sslmode=disable in its URL speaks in the clear, with whoever \
                    answers";
        return trouble(ErrorKind::Denied, message, hint);
    }
    if said.contains("no root trust anchors") {
        let message = "the file in sslrootcert holds no certificate".to_owned();
        return trouble(ErrorKind::Usage, message, AUTHORITY);
    }
    let (_, certificate) = said.split_once("invalid peer certificate: ")?;
    if let Some(numbers) = certificate.strip_prefix("certificate expired: ") {
        let [now, end] = seconds(numbers)?;
        let message = format!("its certificate ended on {}; it is {} here", date(end)?, date(now)?);
        let hint = "renew it there, or set this machine's clock";
        return trouble(ErrorKind::Denied, message, hint);
    }
    if let Some(numbers) = certificate.strip_prefix("certificate not valid yet: ") {
        let [now, begin] = seconds(numbers)?;
        let message =
            format!("its certificate begins on {}; it is {} here", date(begin)?, date(now)?);
        return trouble(
            ErrorKind::Denied,
            message,
            "set this machine's clock, or the certificate's",
        );
    }
    let message = format!("its certificate is not accepted: {certificate}");
    let hint = if certificate.starts_with("UnknownIssuer") {
        AUTHORITY
    } else if certificate.contains("not valid for name") {
        "connect to the name that the certificate is for; sslmode=verify-ca with sslrootcert checks \
         its authority alone"
    } else {
        "see which certificate the server shows: openssl s_client -starttls postgres -connect HOST:PORT"
    };
    trouble(ErrorKind::Denied, message, hint)
}

/// What an unknown authority asks for.
const AUTHORITY: &str = "add the file of its authority to its URL: ?sslrootcert=FILE (Supabase: Database \
                         settings, SSL configuration, prod-ca-2021.crt)";

/// Returns the first two instants of a sentence: the present, and the one that is not kept.
fn seconds(text: &str) -> Option<[i64; 2]> {
    let mut numbers =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    Some([numbers.next()?, numbers.next()?])
}

fn date(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok().map(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_dates_with_what_to_do() {
        let said = "error occurred while attempting to establish a TLS connection: invalid peer \
                    certificate: certificate expired: verification time 1795683762 (UNIX), but \
                    certificate is not valid after 1735689600 (59994162 seconds ago)";
        let found = trouble(said).unwrap();
        let message =
            "its certificate ended on 2025-01-01T00:00:00Z; it is 2026-11-26T09:02:42Z here";
        assert_eq!((found.kind, found.message.as_str()), (ErrorKind::Denied, message));
        let found = trouble("invalid peer certificate: UnknownIssuer").unwrap();
        assert!(found.hint.contains("?sslrootcert=FILE"), "{found:?}");
        assert_eq!(trouble("server does not support TLS").unwrap().kind, ErrorKind::Denied);
        assert_eq!(trouble("unexpected end of file"), None);
        assert_eq!(trouble("invalid peer certificate: certificate expired: soon"), None);
    }
}

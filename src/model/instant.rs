//! Instants as text.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Returns an instant as RFC 3339 in UTC, to the second.
pub(crate) fn instant(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC).truncate_to_second();
    // RFC 3339 has four digits for the year.
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_in_utc_and_whole_seconds() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_999_999_999).unwrap();
        let at = at.to_offset(UtcOffset::from_hms(5, 30, 0).unwrap());
        assert_eq!(instant(at), "2023-11-14T22:13:20Z");
    }
}

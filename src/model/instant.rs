//! Instants as text.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Returns an instant for people: RFC 3339 in UTC, to the second.
pub(crate) fn instant(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC).truncate_to_second();
    // RFC 3339 has four digits for the year.
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

/// Returns an instant for programs: RFC 3339 in UTC, always with milliseconds.
pub(crate) fn instant_ms(at: OffsetDateTime) -> String {
    let text = instant(at);
    match text.strip_suffix('Z') {
        Some(seconds) => format!("{seconds}.{:03}Z", at.millisecond()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_in_utc_and_never_rounded_up() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_999_999_999).unwrap();
        let at = at.to_offset(UtcOffset::from_hms(5, 30, 0).unwrap());
        assert_eq!(instant(at), "2023-11-14T22:13:20Z");
        assert_eq!(instant_ms(at), "2023-11-14T22:13:20.999Z");
        assert_eq!(instant_ms(OffsetDateTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}

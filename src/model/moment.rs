//! A moment as an operator names it: an instant, or how long ago it was.

use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(OffsetDateTime),
    /// So long before now, by the clock of whoever is asked.
    Ago(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a moment like 2026-11-27T04:30:00Z, 2026-11-27, or 90m, 12h, 7d for so long ago")]
pub struct MomentError;

impl Moment {
    /// Returns the instant, seen from now.
    pub(crate) fn instant(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                now.checked_sub(ago.try_into().unwrap_or(time::Duration::MAX)).unwrap_or(now)
            }
        }
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(at));
        }
        if let Ok(at) = OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339) {
            return Ok(Self::At(at));
        }
        let ago = humantime::parse_duration(text).map_err(|_| MomentError)?;
        // A hundred years, which every clock can look back.
        if ago > Duration::from_hours(24 * 36_525) { Err(MomentError) } else { Ok(Self::Ago(ago)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_instant_a_day_or_so_long_ago() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let seconds = |text: &str| text.parse::<Moment>().unwrap().instant(now).unix_timestamp();
        assert_eq!(seconds("2023-11-14T22:13:20Z"), 1_700_000_000);
        assert_eq!(seconds("2023-11-15T00:13:20+02:00"), 1_700_000_000);
        assert_eq!(seconds("2023-11-14"), 1_699_920_000);
        assert_eq!(seconds("90m"), 1_700_000_000 - 5400);
        for bad in ["", "yesterday", "2023-13-01", "-5m", "1000y", "2023-11-14 22:13"] {
            assert_eq!(bad.parse::<Moment>(), Err(MomentError), "{bad:?}");
        }
    }
}

//! Whether two clocks agree: this machine's, and the one that sessions are judged with.
//!
//! A token's times cannot be judged with a clock that is wrong, and which of the two is wrong cannot
//! be seen from here.

use std::time::Duration;

use time::OffsetDateTime;

use super::rules::span;
use super::verify::Obstacle;
use crate::model::{ErrorKind, instant};

/// How far the clocks may be apart.
const MOST: Duration = Duration::from_mins(1);

/// Returns an obstacle when the control plane's clock is not within a minute of ours. It was read
/// between `before` and `after`, so the time of the round trip does not count.
pub(super) fn apart(
    before: OffsetDateTime,
    theirs: OffsetDateTime,
    after: OffsetDateTime,
) -> Option<Obstacle> {
    let (direction, apart) =
        if theirs > after { ("behind", theirs - after) } else { ("ahead of", before - theirs) };
    // The clocks may agree, and then the difference is negative.
    if apart <= MOST {
        return None;
    }
    Some(Obstacle {
        kind: ErrorKind::Unavailable,
        message: format!(
            "tell the time: this machine's clock ({}) is {} {direction} the control plane's ({}), \
             and at most {} is accepted",
            instant(after),
            span(apart.whole_seconds()),
            instant(theirs),
            span(60)
        ),
        hint: Some(
            "compare both with a third (`date -u`, and `SELECT now()` on the server), and let the \
             one that is wrong be set by NTP"
                .to_owned(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use time::ext::NumericalDuration;

    use super::*;

    #[test]
    fn a_minute_is_accepted_and_no_more_in_either_direction() {
        let before = OffsetDateTime::UNIX_EPOCH + 1000.days();
        let after = before + 5.seconds();
        let said = |theirs| apart(before, theirs, after).map(|found| found.message);
        for agreeing in
            [before - 60.seconds(), before, before + 2.seconds(), after, after + 60.seconds()]
        {
            assert_eq!(said(agreeing), None, "{agreeing}");
        }
        let ahead = said(before - 60_001.milliseconds()).unwrap();
        assert!(ahead.contains("is 1m ahead of the control plane's"), "{ahead}");
        let behind = said(after + 3661.seconds()).unwrap();
        assert!(behind.contains("is 1h 1m behind the control plane's"), "{behind}");
    }
}

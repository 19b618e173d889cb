//! Which calls are repeated, and when: the only place that decides.
//!
//! After 429 or a refused connection nothing was done, so any call is repeated. After everything
//! else, only a call that is safe to repeat.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::error::HttpError;

/// Whether a call may be made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A read, or a write whose second time changes nothing.
    Safe,
    /// A repetition may do it twice.
    Unsafe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The delay before the first repetition; later ones double, with jitter.
    pub first_delay: Duration,
    /// No delay of our own is longer.
    pub longest_delay: Duration,
    /// How often a call that fails is repeated. A wait that the server asks for does not count.
    pub repetitions: usize,
    /// No wait that the other side asks for is longer.
    pub longest_asked_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(15),
            repetitions: 4,
            longest_asked_wait: Duration::from_mins(2),
        }
    }
}

/// The repetitions of one call.
#[derive(Debug)]
pub(super) struct Repetitions {
    policy: RetryPolicy,
    repeat: Repeat,
    delays: ExponentialBackoff,
}

impl Repetitions {
    pub(super) fn new(policy: RetryPolicy, repeat: Repeat) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(policy.first_delay)
            .with_max_delay(policy.longest_delay)
            .with_max_times(policy.repetitions)
            .with_jitter()
            .build();
        Self { policy, repeat, delays }
    }

    /// Returns how long to wait before trying again after an answer; nothing when the answer is
    /// final.
    pub(super) fn after_answer(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Option<Duration> {
        if status == StatusCode::TOO_MANY_REQUESTS {
            return match retry_after(headers, now).or_else(|| ratelimit_reset(headers)) {
                Some(asked) => {
                    // Clients that got the same instant must not all return at that instant.
                    let spread = self.policy.first_delay.mul_f64(fraction());
                    Some(asked.min(self.policy.longest_asked_wait) + spread)
                }
                None => self.delays.next(),
            };
        }
        let is_passing = matches!(status.as_u16(), 408 | 500 | 502..=504 | 520..=524 | 544);
        if is_passing && self.repeat == Repeat::Safe {
            let own = self.delays.next()?;
            let asked = retry_after(headers, now).unwrap_or_default();
            return Some(own.max(asked.min(self.policy.longest_asked_wait)));
        }
        None
    }

    /// Returns how long to wait before trying again after no answer; nothing when the answer is
    /// final.
    pub(super) fn after_error(&mut self, error: &HttpError) -> Option<Duration> {
        let may_repeat = match error {
            HttpError::Unreachable { .. } => true,
            HttpError::TimedOut { .. } | HttpError::Broken { .. } => self.repeat == Repeat::Safe,
            HttpError::Address { .. } | HttpError::Start(_) | HttpError::TooLarge { .. } => false,
        };
        if may_repeat { self.delays.next() } else { None }
    }
}

/// Returns how long the other side asks us to wait: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = |text: &str| {
        let at = httpdate::parse_http_date(text).ok()?;
        Some(at.duration_since(now).unwrap_or_default())
    };
    text.parse().ok().map(Duration::from_secs).or_else(|| date(text))
}

/// Returns when the window ends that calls are counted in. Every answer carries it; only after 429
/// is it a wait.
fn ratelimit_reset(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs)
}

/// Returns a random number between 0 and 1.
fn fraction() -> f64 {
    let mut bytes = [0_u8; 2];
    // Without random bytes all clients return at the same time, which is only less polite.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repetitions(repeat: Repeat) -> Repetitions {
        let policy = RetryPolicy { first_delay: Duration::from_millis(10), ..Default::default() };
        Repetitions::new(policy, repeat)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_wait_that_the_server_asks_for_is_obeyed_for_any_call() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let date = httpdate::fmt_http_date(now + Duration::from_secs(7));
        for (pairs, asked) in [
            (vec![("retry-after", "3"), ("x-ratelimit-reset", "50")], 3),
            (vec![("retry-after", date.as_str())], 7),
            (vec![("x-ratelimit-reset", "50")], 50),
            (vec![("retry-after", "99999999")], 120),
            (vec![("retry-after", "soon"), ("x-ratelimit-reset", "2")], 2),
        ] {
            let wait = repetitions(Repeat::Unsafe).after_answer(
                StatusCode::TOO_MANY_REQUESTS,
                &headers(&pairs),
                now,
            );
            let wait = wait.unwrap();
            let asked = Duration::from_secs(asked);
            assert!(
                wait >= asked && wait <= asked + Duration::from_millis(10),
                "{pairs:?} {wait:?}"
            );
        }
        let wait = repetitions(Repeat::Unsafe).after_answer(
            StatusCode::TOO_MANY_REQUESTS,
            &HeaderMap::new(),
            now,
        );
        assert!(wait.is_some_and(|wait| wait < Duration::from_secs(1)));
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_is_safe() {
        let none = HeaderMap::new();
        let now = SystemTime::UNIX_EPOCH;
        let target = "https://api.example.com/x".to_owned();
        for status in [500, 502, 503, 504, 544] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(repetitions(Repeat::Safe).after_answer(status, &none, now).is_some());
            assert!(repetitions(Repeat::Unsafe).after_answer(status, &none, now).is_none());
        }
        let timed_out = HttpError::TimedOut { target: target.clone() };
        assert!(repetitions(Repeat::Safe).after_error(&timed_out).is_some());
        assert!(repetitions(Repeat::Unsafe).after_error(&timed_out).is_none());
        let refused = HttpError::Unreachable { target, cause: "refused".to_owned() };
        assert!(repetitions(Repeat::Unsafe).after_error(&refused).is_some());
        for status in [200, 400, 401, 403, 404, 409, 422, 501, 540] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(
                repetitions(Repeat::Safe).after_answer(status, &none, now).is_none(),
                "{status}"
            );
        }
    }

    #[test]
    fn the_end_of_a_window_that_was_not_exceeded_is_no_wait() {
        let status = StatusCode::BAD_GATEWAY;
        let headers = headers(&[("x-ratelimit-reset", "60")]);
        let wait = repetitions(Repeat::Safe).after_answer(status, &headers, SystemTime::UNIX_EPOCH);
        assert!(wait.is_some_and(|wait| wait < Duration::from_secs(1)), "{wait:?}");
    }

    #[test]
    fn repetitions_end_and_their_delays_grow() {
        let mut repetitions = repetitions(Repeat::Safe);
        let mut delays = Vec::new();
        let status = StatusCode::BAD_GATEWAY;
        while let Some(delay) =
            repetitions.after_answer(status, &HeaderMap::new(), SystemTime::UNIX_EPOCH)
        {
            delays.push(delay);
        }
        assert_eq!(delays.len(), 4);
        assert!(delays[3] >= Duration::from_millis(80), "{delays:?}");
    }
}

//! Which keys of an endpoint are in force: those of the copy on disk, or of a new answer.
//!
//! A good copy is only ever replaced by a good answer. Processes that need an answer at the same
//! time take turns, and the first one's answer serves all.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::cache::{Cache, Entry, StoredAnswer, StoredFailure};
use super::error::JwksError;
use super::fetch::fetch;
use super::keys::KeySet;
use super::published::Published;
use crate::model::{Clock, WebUrl};

/// How long an answer is used without fetching again.
const FRESH_FOR: Duration = Duration::from_hours(1);

/// How long an answer may be used while fetching fails.
const USABLE_FOR: Duration = Duration::from_hours(2);

/// Cooldown after a failed fetch, or one whose answer lacked the key; shared by all processes
/// through the cache file.
const COOLDOWN: Duration = Duration::from_secs(30);

/// What to do, decided from the cache file alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    UseCopy,
    Fetch,
    /// Another process failed to fetch while we waited, and there is no usable copy.
    GiveUp,
}

/// An endpoint, for one command.
pub(super) struct KeyEndpoint<'a> {
    pub(super) url: &'a WebUrl,
    pub(super) cache: Cache,
    pub(super) deadline: Instant,
    pub(super) clock: &'a dyn Clock,
}

impl KeyEndpoint<'_> {
    /// Returns the keys, from the copy where that will do; a forced call always fetches.
    pub(super) async fn keys(
        &self,
        kid: Option<&str>,
        is_forced: bool,
    ) -> Result<Published, JwksError> {
        let began_ms = self.now_ms();
        let entry = self.cache.read();
        let set = keys_in_answer(&entry);
        if !is_forced && decide(&entry, set.as_ref(), kid, began_ms, began_ms) == Decision::UseCopy
        {
            return self.published_copy(entry, set);
        }
        let lock = match self.cache.lock(self.deadline).await {
            Ok(lock) => lock,
            // Keys that cannot be cached can still verify.
            Err(error @ JwksError::Cache { .. }) => {
                let not_kept = Some(with_cause(&error));
                let published = self.fetch_or_copy(entry, set, kid).await?;
                return Ok(Published { not_kept, ..published });
            }
            Err(error) => return self.copy_despite(entry, set, error.to_string()),
        };
        let entry = self.cache.read();
        let set = keys_in_answer(&entry);
        let published = if is_forced {
            let is_newer = entry.copy.as_ref().is_some_and(|copy| copy.asked_ms > began_ms);
            if is_newer { self.published_copy(entry, set) } else { self.fetch(entry, kid).await }
        } else {
            match decide(&entry, set.as_ref(), kid, self.now_ms(), began_ms) {
                Decision::UseCopy => self.published_copy(entry, set),
                Decision::Fetch => self.fetch_or_copy(entry, set, kid).await,
                Decision::GiveUp => {
                    let problem = entry.failure.as_ref().map(|failure| failure.problem.clone());
                    self.copy_despite(entry, set, problem.unwrap_or_default())
                }
            }
        };
        drop(lock);
        published
    }

    /// Fetches; where that fails, uses the copy if it is usable.
    async fn fetch_or_copy(
        &self,
        entry: Entry,
        set: Option<KeySet>,
        kid: Option<&str>,
    ) -> Result<Published, JwksError> {
        match self.fetch(entry.clone(), kid).await {
            Ok(published) => Ok(published),
            Err(JwksError::Unreachable { source, .. }) if is_usable(&entry, self.now_ms()) => {
                self.copy_despite(entry, set, with_cause(&source))
            }
            Err(error) => Err(error),
        }
    }

    /// Fetches, and writes the answer or the failure into the cache file.
    async fn fetch(&self, mut entry: Entry, kid: Option<&str>) -> Result<Published, JwksError> {
        let asked_ms = self.now_ms();
        let answer = fetch(self.url, self.deadline).await;
        let read = answer.and_then(|bytes| {
            let set = KeySet::parse(&bytes)?;
            let document = String::from_utf8(bytes)
                .map_err(|_| JwksError::NotASet("it is not UTF-8".to_owned()))?;
            Ok((set, document))
        });
        let now_ms = self.now_ms();
        match read {
            Ok((set, document)) => {
                if kid.is_some_and(|kid| !set.mentions(kid)) {
                    entry.missed_ms = Some(now_ms);
                }
                entry.failure = None;
                entry.copy = Some(StoredAnswer { asked_ms, fetched_ms: now_ms, document });
                let not_kept = self.cache.write(&entry).err().map(|error| with_cause(&error));
                let published = self.published_copy(entry, Some(set))?;
                Ok(Published { was_fetched: true, not_kept, ..published })
            }
            Err(error) => {
                entry.failure = Some(StoredFailure { at_ms: now_ms, problem: with_cause(&error) });
                // When this cannot be written, the next process fetches again; nothing else is
                // lost.
                drop(self.cache.write(&entry));
                Err(JwksError::Unreachable { url: self.url.to_string(), source: Box::new(error) })
            }
        }
    }

    fn published_copy(&self, entry: Entry, set: Option<KeySet>) -> Result<Published, JwksError> {
        let (Some(copy), Some(set)) = (entry.copy, set) else {
            return Err(self.unreachable("there is no copy"));
        };
        let now_ms = self.now_ms();
        let age = age(copy.fetched_ms, now_ms);
        let missed_ms = entry.missed_ms.filter(|at_ms| is_cooling(Some(*at_ms), now_ms));
        Ok(Published {
            set,
            source: self.url.to_string(),
            fetched_at: Some(instant(copy.fetched_ms)),
            was_fetched: false,
            is_stale: age.is_none_or(|age| age >= FRESH_FOR),
            rests_until: missed_ms.map(|at_ms| instant(at_ms) + COOLDOWN),
            problem: entry.failure.map(|failure| failure.problem),
            not_kept: None,
        })
    }

    fn copy_despite(
        &self,
        entry: Entry,
        set: Option<KeySet>,
        problem: String,
    ) -> Result<Published, JwksError> {
        if !is_usable(&entry, self.now_ms()) {
            return Err(self.unreachable(&problem));
        }
        let published = self.published_copy(entry, set)?;
        Ok(Published { problem: Some(problem), ..published })
    }

    fn unreachable(&self, problem: &str) -> JwksError {
        JwksError::Unreachable {
            url: self.url.to_string(),
            source: Box::new(JwksError::Fetch(problem.to_owned())),
        }
    }

    fn now_ms(&self) -> i64 {
        let ms = self.clock.now().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(ms).unwrap_or(i64::MAX)
    }
}

/// Decides what to do. Pure, so that a test tries every combination.
fn decide(
    entry: &Entry,
    set: Option<&KeySet>,
    kid: Option<&str>,
    now_ms: i64,
    began_ms: i64,
) -> Decision {
    let failed_ms = entry.failure.as_ref().map(|failure| failure.at_ms);
    let Some(set) = set.filter(|_| is_usable(entry, now_ms)) else {
        let failed_meanwhile = failed_ms.is_some_and(|at_ms| at_ms > began_ms);
        return if failed_meanwhile { Decision::GiveUp } else { Decision::Fetch };
    };
    let is_fresh = entry
        .copy
        .as_ref()
        .and_then(|copy| age(copy.fetched_ms, now_ms))
        .is_some_and(|age| age < FRESH_FOR);
    let is_known = kid.is_none_or(|kid| set.mentions(kid));
    if is_fresh && is_known || is_cooling(failed_ms, now_ms) {
        return Decision::UseCopy;
    }
    if is_fresh && is_cooling(entry.missed_ms, now_ms) {
        Decision::UseCopy
    } else {
        Decision::Fetch
    }
}

fn is_cooling(at_ms: Option<i64>, now_ms: i64) -> bool {
    at_ms.and_then(|at_ms| age(at_ms, now_ms)).is_some_and(|age| age < COOLDOWN)
}

fn is_usable(entry: &Entry, now_ms: i64) -> bool {
    entry
        .copy
        .as_ref()
        .and_then(|copy| age(copy.fetched_ms, now_ms))
        .is_some_and(|age| age < USABLE_FOR)
}

/// Returns how long ago something was; nothing when it lies in the future, as after a clock that
/// was ahead has been corrected.
fn age(at_ms: i64, now_ms: i64) -> Option<Duration> {
    u64::try_from(now_ms.checked_sub(at_ms)?).ok().map(Duration::from_millis)
}

fn instant(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn keys_in_answer(entry: &Entry) -> Option<KeySet> {
    KeySet::parse(entry.copy.as_ref()?.document.as_bytes()).ok()
}

fn with_cause(error: &JwksError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 10_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn set() -> KeySet {
        KeySet::parse(
            br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
        )
        .unwrap()
    }

    fn entry(copy_age: Option<i64>, failed_age: Option<i64>, missed_age: Option<i64>) -> Entry {
        let copy = |age| StoredAnswer {
            asked_ms: NOW - age,
            fetched_ms: NOW - age,
            document: String::new(),
        };
        let failure = |age| StoredFailure { at_ms: NOW - age, problem: "down".to_owned() };
        Entry {
            url: String::new(),
            copy: copy_age.map(copy),
            failure: failed_age.map(failure),
            missed_ms: missed_age.map(|age| NOW - age),
        }
    }

    #[test]
    fn the_endpoint_is_fetched_from_exactly_when_it_must_be() {
        let (known, unknown) = (Some("k1"), Some("k2"));
        for (copy, failed, missed, kid, expected) in [
            (None, None, None, known, Decision::Fetch),
            (None, Some(1_000), None, known, Decision::Fetch),
            (Some(0), None, None, known, Decision::UseCopy),
            (Some(0), None, None, None, Decision::UseCopy),
            (Some(HOUR - 1), None, None, known, Decision::UseCopy),
            (Some(HOUR), None, None, known, Decision::Fetch),
            (Some(HOUR), Some(29_999), None, known, Decision::UseCopy),
            (Some(HOUR), Some(30_000), None, known, Decision::Fetch),
            (Some(2 * HOUR), Some(1_000), None, known, Decision::Fetch),
            (Some(0), None, None, unknown, Decision::Fetch),
            (Some(0), None, Some(29_999), unknown, Decision::UseCopy),
            (Some(0), None, Some(30_000), unknown, Decision::Fetch),
            (Some(0), Some(29_999), None, unknown, Decision::UseCopy),
            (Some(HOUR), None, Some(1_000), unknown, Decision::Fetch),
            // A clock that was an hour ahead when the copy was made, or the miss noted.
            (Some(-HOUR), None, None, known, Decision::Fetch),
            (Some(0), None, Some(-HOUR), unknown, Decision::Fetch),
        ] {
            let found = decide(&entry(copy, failed, missed), Some(&set()), kid, NOW, NOW);
            assert_eq!(found, expected, "{copy:?} {failed:?} {missed:?} {kid:?}");
        }
    }

    #[test]
    fn a_process_that_waited_for_a_failure_does_not_repeat_it() {
        let failed = entry(None, Some(10), None);
        assert_eq!(decide(&failed, None, None, NOW, NOW - 20), Decision::GiveUp);
        assert_eq!(decide(&failed, None, None, NOW, NOW - 5), Decision::Fetch);
    }
}

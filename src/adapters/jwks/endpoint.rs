//! The keys in force: from a file, from the copy on disk, or from the endpoint, in the order that
//! asks the endpoint least.
//!
//! A good copy is only ever replaced by a good answer. Processes that need an answer at the same
//! time take turns, and the first one's answer serves all.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::cache::{self, Cache, Entry};
use super::error::JwksError;
use super::fetch;
use super::keys::KeySet;
use super::keys::SET_SIZE_LIMIT;
use crate::model::{Clock, JwksSource, WebUrl};

/// How long an answer is used without asking again.
pub const FRESH_FOR: Duration = Duration::from_hours(1);

/// How long an answer may be used while the endpoint cannot be asked.
pub const USABLE_FOR: Duration = Duration::from_hours(2);

/// How long the endpoint is left alone after it was asked in vain.
pub const COOLDOWN: Duration = Duration::from_secs(30);

/// A place where keys are published.
#[derive(Debug)]
pub struct Jwks<'a> {
    source: JwksSource,
    data_dir: PathBuf,
    patience: Duration,
    clock: &'a dyn Clock,
}

/// Keys, and how they came here.
#[derive(Debug, Clone)]
pub struct Published {
    /// The keys.
    pub set: KeySet,
    /// Where they are published.
    pub source: String,
    /// When the endpoint gave them; nothing for a file.
    pub fetched_at: Option<OffsetDateTime>,
    /// Whether the endpoint was asked just now.
    pub was_fetched: bool,
    /// Whether they are older than they should be.
    pub is_stale: bool,
    /// Until when the endpoint is left alone whatever key is asked for, after it did not have one.
    pub rests_until: Option<OffsetDateTime>,
    /// Why the endpoint could not be asked, when it should have been.
    pub problem: Option<String>,
    /// Why they could not be kept, when they could not.
    pub not_kept: Option<String>,
}

/// What to do, as far as what is remembered can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// The copy serves.
    Use,
    /// The endpoint must be asked.
    Ask,
    /// Somebody asked while we waited, in vain; there is nothing to use.
    GiveUp,
}

impl<'a> Jwks<'a> {
    /// Names a place; nothing is read or contacted.
    pub fn new(
        source: JwksSource,
        data_dir: &Path,
        patience: Duration,
        clock: &'a dyn Clock,
    ) -> Self {
        Self { source, data_dir: data_dir.to_owned(), patience, clock }
    }

    /// Returns the place.
    pub fn source(&self) -> &JwksSource {
        &self.source
    }

    /// Returns the keys; with a key's name, asks the endpoint once when the copy does not know it.
    ///
    /// # Errors
    /// When there are none: a bad file, or an endpoint that cannot be asked and no copy of the last
    /// two hours.
    pub async fn keys(&self, kid: Option<&str>) -> Result<Published, JwksError> {
        match &self.source {
            JwksSource::File(path) => read_file(path),
            JwksSource::Url(url) => self.at(url).keys(kid, false).await,
        }
    }

    /// Asks the endpoint, whatever is remembered.
    ///
    /// # Errors
    /// When the answer is no good; the copy stays.
    pub async fn refresh(&self) -> Result<Published, JwksError> {
        match &self.source {
            JwksSource::File(path) => read_file(path),
            JwksSource::Url(url) => self.at(url).keys(None, true).await,
        }
    }

    /// Forgets the copy; returns whether there was one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn clear(&self) -> Result<bool, JwksError> {
        match &self.source {
            JwksSource::File(_) => Ok(false),
            JwksSource::Url(url) => Cache::new(&self.data_dir, url).clear(),
        }
    }

    fn at<'b>(&'b self, url: &'b WebUrl) -> Endpoint<'b> {
        Endpoint {
            url,
            cache: Cache::new(&self.data_dir, url),
            deadline: Instant::now() + self.patience,
            clock: self.clock,
        }
    }
}

/// One command's dealings with an endpoint.
struct Endpoint<'a> {
    url: &'a WebUrl,
    cache: Cache,
    deadline: Instant,
    clock: &'a dyn Clock,
}

impl Endpoint<'_> {
    async fn keys(&self, kid: Option<&str>, is_forced: bool) -> Result<Published, JwksError> {
        let began_ms = self.now_ms();
        let entry = self.cache.read();
        let set = parsed(&entry);
        if !is_forced && plan(&entry, set.as_ref(), kid, began_ms, began_ms) == Plan::Use {
            return self.serve_copy(entry, set);
        }
        let turn = match self.cache.turn(self.deadline).await {
            Ok(turn) => turn,
            // Keys that cannot be kept are keys all the same.
            Err(error @ JwksError::Cache { .. }) => {
                let not_kept = Some(with_cause(&error));
                let published = self.ask(entry, set, kid).await?;
                return Ok(Published { not_kept, ..published });
            }
            Err(error) => return self.without_asking(entry, set, error.to_string()),
        };
        let entry = self.cache.read();
        let set = parsed(&entry);
        let published = if is_forced {
            let is_served = entry.copy.as_ref().is_some_and(|copy| copy.asked_ms > began_ms);
            if is_served { self.serve_copy(entry, set) } else { self.ask_anew(entry, kid).await }
        } else {
            match plan(&entry, set.as_ref(), kid, self.now_ms(), began_ms) {
                Plan::Use => self.serve_copy(entry, set),
                Plan::Ask => self.ask(entry, set, kid).await,
                Plan::GiveUp => {
                    let problem = entry.failure.as_ref().map(|failure| failure.problem.clone());
                    self.without_asking(entry, set, problem.unwrap_or_default())
                }
            }
        };
        drop(turn);
        published
    }

    /// Asks, and falls back on the copy.
    async fn ask(
        &self,
        entry: Entry,
        set: Option<KeySet>,
        kid: Option<&str>,
    ) -> Result<Published, JwksError> {
        match self.ask_anew(entry.clone(), kid).await {
            Ok(published) => Ok(published),
            Err(JwksError::Unreachable { source, .. }) if is_usable(&entry, self.now_ms()) => {
                self.without_asking(entry, set, with_cause(&source))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks, and writes down what came of it.
    async fn ask_anew(&self, mut entry: Entry, kid: Option<&str>) -> Result<Published, JwksError> {
        let asked_ms = self.now_ms();
        let answer = fetch::fetch(self.url, self.deadline).await;
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
                entry.copy = Some(cache::Copy { asked_ms, fetched_ms: now_ms, document });
                let not_kept = self.cache.write(&entry).err().map(|error| with_cause(&error));
                let published = self.serve_copy(entry, Some(set))?;
                Ok(Published { was_fetched: true, not_kept, ..published })
            }
            Err(error) => {
                entry.failure = Some(cache::Failure { at_ms: now_ms, problem: with_cause(&error) });
                // What cannot be written down is asked again by the next process; that is all.
                drop(self.cache.write(&entry));
                Err(JwksError::Unreachable { url: self.url.to_string(), source: Box::new(error) })
            }
        }
    }

    fn serve_copy(&self, entry: Entry, set: Option<KeySet>) -> Result<Published, JwksError> {
        let (Some(copy), Some(set)) = (entry.copy, set) else {
            return Err(self.unreachable("there is no copy"));
        };
        let now_ms = self.now_ms();
        let age = age(copy.fetched_ms, now_ms);
        let missed_ms = entry.missed_ms.filter(|at_ms| is_cooling(Some(*at_ms), now_ms));
        Ok(Published {
            set,
            source: self.url.to_string(),
            fetched_at: Some(moment(copy.fetched_ms)),
            was_fetched: false,
            is_stale: age.is_none_or(|age| age >= FRESH_FOR),
            rests_until: missed_ms.map(|at_ms| moment(at_ms) + COOLDOWN),
            problem: entry.failure.map(|failure| failure.problem),
            not_kept: None,
        })
    }

    fn without_asking(
        &self,
        entry: Entry,
        set: Option<KeySet>,
        problem: String,
    ) -> Result<Published, JwksError> {
        if !is_usable(&entry, self.now_ms()) {
            return Err(self.unreachable(&problem));
        }
        let published = self.serve_copy(entry, set)?;
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

/// Decides what to do: pure, so that every combination can be tried.
fn plan(
    entry: &Entry,
    set: Option<&KeySet>,
    kid: Option<&str>,
    now_ms: i64,
    began_ms: i64,
) -> Plan {
    let failed_ms = entry.failure.as_ref().map(|failure| failure.at_ms);
    let Some(set) = set.filter(|_| is_usable(entry, now_ms)) else {
        let failed_meanwhile = failed_ms.is_some_and(|at_ms| at_ms > began_ms);
        return if failed_meanwhile { Plan::GiveUp } else { Plan::Ask };
    };
    let is_fresh = entry
        .copy
        .as_ref()
        .and_then(|copy| age(copy.fetched_ms, now_ms))
        .is_some_and(|age| age < FRESH_FOR);
    let is_known = kid.is_none_or(|kid| set.mentions(kid));
    if is_fresh && is_known || is_cooling(failed_ms, now_ms) {
        return Plan::Use;
    }
    if is_fresh && is_cooling(entry.missed_ms, now_ms) { Plan::Use } else { Plan::Ask }
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

/// Returns how long ago something was; nothing when it lies in the future, as after a clock that was
/// wrong was put right.
fn age(at_ms: i64, now_ms: i64) -> Option<Duration> {
    u64::try_from(now_ms.checked_sub(at_ms)?).ok().map(Duration::from_millis)
}

fn moment(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn parsed(entry: &Entry) -> Option<KeySet> {
    KeySet::parse(entry.copy.as_ref()?.document.as_bytes()).ok()
}

fn with_cause(error: &JwksError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn read_file(path: &Path) -> Result<Published, JwksError> {
    let failed = |source| JwksError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(SET_SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let set = KeySet::parse(&bytes)
        .map_err(|source| JwksError::BadFile { path: path.to_owned(), source: Box::new(source) })?;
    Ok(Published {
        set,
        source: path.display().to_string(),
        fetched_at: None,
        was_fetched: false,
        is_stale: false,
        rests_until: None,
        problem: None,
        not_kept: None,
    })
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
        let copy = |age| cache::Copy {
            asked_ms: NOW - age,
            fetched_ms: NOW - age,
            document: String::new(),
        };
        let failure = |age| cache::Failure { at_ms: NOW - age, problem: "down".to_owned() };
        Entry {
            url: String::new(),
            copy: copy_age.map(copy),
            failure: failed_age.map(failure),
            missed_ms: missed_age.map(|age| NOW - age),
        }
    }

    #[test]
    fn the_endpoint_is_asked_exactly_when_it_must_be() {
        let (known, unknown) = (Some("k1"), Some("k2"));
        for (copy, failed, missed, kid, expected) in [
            (None, None, None, known, Plan::Ask),
            (None, Some(1_000), None, known, Plan::Ask),
            (Some(0), None, None, known, Plan::Use),
            (Some(0), None, None, None, Plan::Use),
            (Some(HOUR - 1), None, None, known, Plan::Use),
            (Some(HOUR), None, None, known, Plan::Ask),
            (Some(HOUR), Some(29_999), None, known, Plan::Use),
            (Some(HOUR), Some(30_000), None, known, Plan::Ask),
            (Some(2 * HOUR), Some(1_000), None, known, Plan::Ask),
            (Some(0), None, None, unknown, Plan::Ask),
            (Some(0), None, Some(29_999), unknown, Plan::Use),
            (Some(0), None, Some(30_000), unknown, Plan::Ask),
            (Some(0), Some(29_999), None, unknown, Plan::Use),
            (Some(HOUR), None, Some(1_000), unknown, Plan::Ask),
            // A clock that was an hour ahead when the copy was made, or the miss noted.
            (Some(-HOUR), None, None, known, Plan::Ask),
            (Some(0), None, Some(-HOUR), unknown, Plan::Ask),
        ] {
            let found = plan(&entry(copy, failed, missed), Some(&set()), kid, NOW, NOW);
            assert_eq!(found, expected, "{copy:?} {failed:?} {missed:?} {kid:?}");
        }
    }

    #[test]
    fn who_waited_for_a_failure_does_not_repeat_it() {
        let failed = entry(None, Some(10), None);
        assert_eq!(plan(&failed, None, None, NOW, NOW - 20), Plan::GiveUp);
        assert_eq!(plan(&failed, None, None, NOW, NOW - 5), Plan::Ask);
    }
}

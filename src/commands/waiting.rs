//! What a command tells while it waits, and how it ends when it is stopped: by its deadline, or by a
//! signal.

use std::time::Duration;

use crate::commands::context::{Context, gave_up};
use crate::model::{ErrorKind, Patience, WORTH_A_WORD, Wait};
use crate::output::Failure;
use crate::services::audit::has_begun;

/// How often it is looked what there is to tell.
const TICK: Duration = Duration::from_millis(200);

/// After how long a log is told of a server that does not answer. What is known to be in the way is
/// told at once.
const SLOW: Duration = Duration::from_secs(3);

/// How long a command that ran out of time may take to say so in its own words, at least and at most:
/// half of what it was given.
const GRACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

impl Context {
    /// Tells what is waited for, for as long as it is polled; it has no end of its own.
    pub(crate) async fn tell_of_waits(&self) {
        let told = async {
            let mut logged = Vec::new();
            loop {
                tokio::time::sleep(TICK).await;
                let wait = self.waiting().foremost();
                self.console().tick(wait.as_ref().filter(|wait| is_worth_a_word(wait)));
                let Some(wait) = wait.filter(|wait| self.is_news(wait)) else { continue };
                if !logged.contains(&wait.what) {
                    self.console().log_wait(&wait);
                    logged.push(wait.what);
                }
            }
        };
        tokio::join!(told, self.watch());
    }

    fn is_news(&self, wait: &Wait) -> bool {
        let slow = match self.patience {
            Patience::Whole { length, .. } => SLOW.min(length / 2),
            Patience::Each(_) => SLOW,
        };
        wait.is_known || wait.since.elapsed() >= slow
    }

    /// Says what is finished first after a signal; returns false where nothing is, so that the
    /// command ends at once.
    pub(crate) fn stops_later(&self) -> bool {
        let Some(what) = self.interrupt().finishing() else { return false };
        self.interrupt().raise();
        let stands = self.interrupt().standing();
        let stands = stands.map_or(String::new(), |(what, _)| format!("{what}; "));
        let text = format!("{stands}stopping after {what}; interrupt again to abort");
        self.console().urgent(&text);
        true
    }

    /// Returns how a command ends that a signal stopped on the spot.
    pub(crate) fn aborted(&self) -> Failure {
        self.stopped(ErrorKind::Interrupted, "finish: it was interrupted".to_owned())
    }

    /// Waits until the deadline of the command as a whole is over, if it has one, and returns how it
    /// ends then.
    pub(crate) async fn ran_out(&self) -> Failure {
        let Patience::Whole { length, at } = self.patience else {
            return std::future::pending().await;
        };
        // Who waits with the deadline in hand says it better.
        let grace = (length / 2).clamp(GRACE.0, GRACE.1);
        tokio::time::sleep_until((at + grace).into()).await;
        let kind = match self.interrupt().standing() {
            Some((_, kind)) => kind,
            None if has_begun() => ErrorKind::Incomplete,
            None => ErrorKind::Unavailable,
        };
        let seconds = length.as_secs_f64();
        let text = match self.waiting().foremost() {
            Some(wait) => format!("finish within {seconds} s: it waited for {}", wait.what),
            None => format!("finish within {seconds} s"),
        };
        let failure = self.stopped(kind, text);
        match self.blocker() {
            Some((blocker, hint)) => failure.because(format!("{blocker} holds it")).and_hint(&hint),
            None => failure,
        }
    }

    /// Returns a failure with what is in force and what to do next.
    fn stopped(&self, kind: ErrorKind, message: String) -> Failure {
        let mut failure = Failure::new(kind, message);
        if let Some((what, _)) = self.interrupt().standing() {
            failure = failure.because(what);
        }
        let is_late = kind != ErrorKind::Interrupted;
        failure.hint(match (has_begun(), is_late) {
            (true, false) => "run the same command again: it continues where it stopped",
            (true, true) => {
                "run the same command again, with a longer --timeout: it continues where it stopped"
            }
            (false, false) => "nothing was changed",
            (false, true) => "nothing was changed; run it again, with a longer --timeout",
        })
    }

    /// Adds to a failure who was in the way, where a statement gave up for a lock, and that nothing
    /// was changed, where that is so.
    pub(crate) fn explained(&self, failure: Failure) -> Failure {
        if !failure.has_cause(gave_up) {
            return failure;
        }
        let mut failure = failure;
        if let Some((blocker, hint)) = self.blocker()
            && !failure.line().contains(&blocker)
        {
            failure = failure.because(format!("{blocker} holds it")).better_hint(Some(hint));
        }
        if !has_begun() {
            failure = failure.because("nothing was changed".to_owned());
        }
        failure
    }
}

fn is_worth_a_word(wait: &Wait) -> bool {
    wait.is_known || wait.since.elapsed() >= WORTH_A_WORD
}

//! Waiting for a free connection: for how long, and where it is said.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::error::ServerFault;

/// The first pause before another attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long an endpoint's sessions may wait for a free connection, and who hears of it. It is not
/// part of where the endpoint is, so any two are equal.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    patience: Duration,
    heard_by: Option<UnboundedSender<String>>,
    /// The servers of which it was said already.
    said: Arc<Mutex<Vec<String>>>,
    /// The pools whose spare sessions are ended when somebody waits.
    pools: Arc<Mutex<Vec<PgPool>>>,
}

impl Waits {
    /// Returns waits of this length at most, said to a listener.
    pub(crate) fn new(patience: Duration, heard_by: UnboundedSender<String>) -> Self {
        Self { patience, heard_by: Some(heard_by), ..Self::default() }
    }

    /// Returns how long each opening of a session may wait.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Begins to wait for one session.
    pub(super) fn begin(&self) -> Wait<'_> {
        Wait { waits: self, until: Instant::now() + self.patience, pause: FIRST_PAUSE }
    }

    /// Makes a pool's spare sessions available to whoever waits.
    pub(super) fn may_take_from(&self, pool: &PgPool) {
        self.pools().push(pool.clone());
    }

    /// Ends sessions of ours that nobody uses, all but one of each pool: whoever holds another
    /// session may need that one to come to an end.
    async fn end_spare_sessions(&self) {
        let pools = self.pools().clone();
        for pool in pools {
            while pool.num_idle() > 1
                && let Some(spare) = pool.try_acquire()
            {
                // One that does not end properly is gone as well.
                drop(spare.close().await);
            }
        }
    }

    fn pools(&self) -> MutexGuard<'_, Vec<PgPool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says once of each server that it is waited for.
    fn say(&self, server: &str) {
        let Some(listener) = &self.heard_by else { return };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.iter().any(|known| known == server) {
            said.push(server.to_owned());
            // When nobody listens any more, the command is over.
            drop(listener.send(format!("waiting for a free connection on {server}")));
        }
    }
}

impl PartialEq for Waits {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Waits {}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waits up to {:?}", self.patience)
    }
}

/// One wait, in pauses that grow.
pub(super) struct Wait<'a> {
    waits: &'a Waits,
    until: Instant,
    pause: Duration,
}

impl Wait<'_> {
    /// Pauses before another attempt at this server; returns whether there is time for one.
    pub(super) async fn goes_on(&mut self, server: &str) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.waits.say(server);
        self.waits.end_spare_sessions().await;
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// Returns whether a session was refused only because every connection is taken: the server's, the
/// database's or the role's (53300, reserved slots included), or those of Supabase's pooler, which
/// says so in words (supabase/supavisor `lib/supavisor/client_handler.ex`, read 2026-11).
pub(super) fn is_full(fault: &ServerFault) -> bool {
    fault.is("53300") || (fault.is("XX000") && fault.message.contains("max clients reached"))
}

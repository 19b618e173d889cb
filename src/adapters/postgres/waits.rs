//! What an endpoint's sessions share while they wait: for how long they may, where it is told, and who
//! was seen in their way.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::time::Instant;

use super::error::ServerFault;
use super::watched::Watched;
use crate::model::{Awaited, Patience, Waiting};

/// The first pause before another attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long an endpoint's sessions may wait, and where that is told. It is not part of where the
/// endpoint is, so any two are equal.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    patience: Patience,
    waiting: Waiting,
    /// Whether a server without a free connection is asked once only.
    asks_once: bool,
    /// What the server is to the command, where it is always the same one.
    role: Option<&'static str>,
    /// The pools whose spare sessions are ended when somebody waits.
    pools: Arc<Mutex<Vec<PgPool>>>,
    /// The sessions that were opened, to look who is in their way.
    watched: Watched,
}

impl Waits {
    /// Returns waits of this length at most, told there.
    pub(crate) fn new(patience: Patience, waiting: Waiting) -> Self {
        Self { patience, waiting, ..Self::default() }
    }

    /// Returns the same for the server that has a part in every command.
    #[must_use]
    pub(crate) fn of(&self, role: &'static str) -> Self {
        Self { role: Some(role), ..self.clone() }
    }

    /// Returns the same for any other server.
    #[must_use]
    pub(super) fn of_another(&self) -> Self {
        Self { role: None, ..self.clone() }
    }

    /// Returns the same, waiting for no connection to become free.
    #[must_use]
    pub(crate) fn asking_once(&self) -> Self {
        Self { asks_once: true, ..self.clone() }
    }

    /// Returns how long the opening of a session may wait.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Begins to open one session on a server.
    pub(super) fn begin(&self, server: String) -> Wait<'_> {
        let awaited = self.waiting.on(format!("{} {server}", self.role.unwrap_or("server")));
        Wait { waits: self, server, awaited, until: self.patience.until(), pause: FIRST_PAUSE }
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

/// One wait for a session, in pauses that grow; told for as long as it lasts.
pub(super) struct Wait<'a> {
    waits: &'a Waits,
    server: String,
    awaited: Awaited,
    until: Instant,
    pause: Duration,
}

impl Wait<'_> {
    /// Pauses before another attempt, since every connection was taken; returns whether there is time
    /// for one.
    pub(super) async fn goes_on(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() || self.waits.asks_once {
            return false;
        }
        self.awaited.name(format!("a free connection on {}", self.server), true);
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

//! The sessions that a command opened, and who was seen in their way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use super::blocker::Blocker;

/// How many servers are remembered, and how many sessions on each: those opened last.
const SERVERS: usize = 8;
const SESSIONS: usize = 512;

/// For how long a blocker that was seen explains a statement that failed.
const EXPLAINS: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Default)]
pub(crate) struct Watched(Arc<Mutex<Sight>>);

#[derive(Debug, Default)]
struct Sight {
    servers: VecDeque<Opened>,
    blocked: Vec<Blocked>,
}

/// Sessions on one server, by their server processes, and how one more is opened beside them.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) place: String,
    pub(super) options: PgConnectOptions,
    pub(super) pids: VecDeque<i32>,
}

/// A session that waited, in which database, for whom, and when that was seen.
#[derive(Debug, Clone)]
struct Blocked {
    database: String,
    by: Blocker,
    at: Instant,
}

impl Watched {
    /// Remembers a session that was just opened at a place.
    pub(super) fn opened(&self, place: &str, pid: i32, options: impl FnOnce() -> PgConnectOptions) {
        let mut sight = self.sight();
        if let Some(known) = sight.servers.iter_mut().find(|known| known.place == place) {
            known.pids.truncate(SESSIONS - 1);
            known.pids.push_front(pid);
            return;
        }
        sight.servers.truncate(SERVERS - 1);
        let opened =
            Opened { place: place.to_owned(), options: options(), pids: VecDeque::from([pid]) };
        sight.servers.push_front(opened);
    }

    /// Returns the servers that sessions were opened on.
    pub(super) fn servers(&self) -> Vec<Opened> {
        self.sight().servers.iter().cloned().collect()
    }

    /// Remembers who was seen in the way of a session in a database.
    pub(super) fn saw(&self, database: &str, by: &Blocker) {
        let mut sight = self.sight();
        sight.blocked.retain(|seen| seen.at.elapsed() < EXPLAINS);
        let (database, by) = (database.to_owned(), by.clone());
        sight.blocked.push(Blocked { database, by, at: Instant::now() });
    }

    /// Returns who was in the way a moment ago: of sessions in a database, or of any.
    pub(crate) fn blocker(&self, database: Option<&str>) -> Option<Blocker> {
        let sight = self.sight();
        let is_meant = |seen: &&Blocked| {
            seen.at.elapsed() < EXPLAINS && database.is_none_or(|name| name == seen.database)
        };
        sight.blocked.iter().rev().find(is_meant).map(|seen| seen.by.clone())
    }

    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

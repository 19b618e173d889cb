//! Who is in the way of our own sessions: looked for from beside them while a command takes long, so
//! that a row or a table that somebody holds is named while it is waited for, and afterwards.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::blocker::{Blocker, SEEN, Seen, last_blocker};
use super::connect::own_ending;
use super::error::PgError;
use super::row::row;
use super::waits::Waits;
use super::watched::Opened;
use crate::model::{Awaited, Patience, WORTH_A_WORD, escape_controls};

/// The pause between two looks while nothing is in the way.
const PAUSE: Duration = Duration::from_secs(2);

/// The shortest pause.
const SHORTEST_PAUSE: Duration = Duration::from_millis(300);

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(2);

row! {
    /// One of our sessions that waits for a lock.
    struct Waiter {
        own: i32,
        database: String,
        relation: Option<String>,
    }
}

/// Looks again and again who is in the way of the sessions of some waits, and tells it there. Never
/// ends.
pub(crate) async fn watch(waits: &Waits) {
    let (first, pause) = match waits.patience() {
        // Often enough that who is in the way is known before the time is over.
        Patience::Whole { length, .. } => (WORTH_A_WORD.min(length / 4), PAUSE.min(length / 4)),
        Patience::Each(_) => (WORTH_A_WORD, PAUSE),
    };
    tokio::time::sleep(first).await;
    let (mut told, mut beside) = (HashMap::new(), Beside::new());
    loop {
        // Where no connection is free, ours would take the one that is waited for.
        let is_full =
            waits.waiting().foremost().is_some_and(|wait| wait.is_known) && told.is_empty();
        let servers = if is_full { Vec::new() } else { waits.watched().servers() };
        beside.retain(|place, _| servers.iter().any(|server| server.place == *place));
        let mut still = HashMap::new();
        for server in &servers {
            let before = beside.remove(&server.place);
            let looking = look(waits, server, before, &mut told);
            let looked = tokio::time::timeout(LOOK, looking).await;
            // A server that does not answer is waited for by who needs it.
            if let Ok(Ok((session, found))) = looked {
                still.extend(found);
                let _none = beside.insert(server.place.clone(), session);
            }
        }
        told = still;
        let pause = if told.is_empty() { pause } else { pause.min(WORTH_A_WORD) };
        tokio::time::sleep(pause.max(SHORTEST_PAUSE)).await;
    }
}

/// What is told of each session that waits: whose lock it is.
type Told = HashMap<i32, (Blocker, Awaited)>;

/// The session beside ours on each server, by its place. It is kept while it answers; one that does not
/// is left, and another opened for the next look.
type Beside = HashMap<String, PgConnection>;

async fn look(
    waits: &Waits,
    server: &Opened,
    before: Option<PgConnection>,
    told: &mut Told,
) -> Result<(PgConnection, Told), PgError> {
    let mut session = if let Some(session) = before {
        session
    } else {
        let opened = server.options.connect().await;
        opened.map_err(PgError::doing("look who is in the way"))?
    };
    let found = waiters(&mut session, server).await?;
    let mut still = Told::new();
    for (waiter, by) in found {
        let Waiter { own: pid, database, relation } = waiter;
        waits.watched().saw(&database, &by);
        let awaited = match told.remove(&pid) {
            Some((known, awaited)) if known == by => awaited,
            _ => {
                let what = relation.map_or("a lock".to_owned(), |name| format!("a lock on {name}"));
                let what = escape_controls(&format!("{what} in {database}"));
                waits.waiting().held_up_by(format!("{what}, held by {by}"))
            }
        };
        still.insert(pid, (by, awaited));
    }
    Ok((session, still))
}

/// Returns our sessions there that wait for a lock, each with the session that is in its way in the
/// end, if that is none of ours.
async fn waiters(
    session: &mut PgConnection,
    server: &Opened,
) -> Result<Vec<(Waiter, Blocker)>, PgError> {
    let pids: Vec<i32> = server.pids.iter().copied().collect();
    let statement = format!(
        r"SELECT a.pid AS own, a.datname::text AS database,
            (SELECT l.relation::regclass::text FROM pg_locks l
                WHERE l.pid = a.pid AND l.relation IS NOT NULL AND a.datname = current_database()
                    AND (NOT l.granted OR l.locktype = 'tuple') LIMIT 1) AS relation, {SEEN}
        FROM pg_stat_activity a
        CROSS JOIN LATERAL ({}) last
        JOIN pg_stat_activity b ON b.pid = last.p
        -- A session that has just begun did not say its number yet.
        WHERE (a.pid = ANY ($1)
                OR a.usename = session_user AND right(a.application_name, length($2)) = $2)
            AND a.wait_event_type = 'Lock' AND last.p <> ALL ($1)
            AND NOT (b.usename = session_user AND right(b.application_name, length($2)) = $2)",
        last_blocker("a.pid")
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(pids)
        .bind(own_ending())
        .fetch_all(session)
        .await
        .map_err(PgError::doing("look who is in the way"))?;
    let read = rows.iter().map(|row| {
        let (waiter, seen): (Waiter, Seen) =
            (sqlx::FromRow::from_row(row)?, sqlx::FromRow::from_row(row)?);
        Ok((waiter, Blocker::from(seen)))
    });
    read.collect::<Result<_, sqlx::Error>>().map_err(PgError::doing("look who is in the way"))
}

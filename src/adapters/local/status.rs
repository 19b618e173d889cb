//! The state of the server, without changing anything and without the lock.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::account::Account;
use super::connect::{self, Presence, Running};
use super::error::LocalError;
use super::layout::Layout;
use super::report::LocalStatus;
use super::state::State;
use crate::adapters::postgres::PgError;

/// Measuring thousands of databases takes long, and `status` has to be quick.
const SIZE_PATIENCE: Duration = Duration::from_millis(500);

/// Returns the status of the server of `layout`.
pub(super) async fn status(layout: &Layout) -> Result<LocalStatus, LocalError> {
    let state = State::load(&layout.state)?.usable();
    Account::choose(layout)?;
    if !layout.has_cluster()? {
        return Ok(LocalStatus::NotCreated);
    }
    let directory = layout.cluster.clone();
    Ok(match connect::look(layout, state.as_ref()).await? {
        Presence::Absent => LocalStatus::Stopped {
            major: layout.major()?,
            port: state.map(|state| state.port),
            directory,
        },
        Presence::Changing { pid } => LocalStatus::Changing { pid, directory },
        Presence::Unresponsive { pid } => LocalStatus::Unresponsive { pid, directory },
        Presence::Running(mut running) => {
            let (databases, size_bytes) = measure(&mut running.session).await?;
            let Running { pid, port, socket_dir, version, since, session } = *running;
            connect::leave(session).await;
            LocalStatus::Running {
                pid,
                port,
                socket_dir,
                version,
                since,
                databases,
                size_bytes,
                directory,
            }
        }
    })
}

/// Counts the databases and, if that is quick, their bytes.
async fn measure(session: &mut PgConnection) -> Result<(u64, Option<u64>), LocalError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE NOT datistemplate")
        .fetch_one(&mut *session)
        .await
        .map_err(PgError::doing("count the server's databases"))?;
    let size = sqlx::query_scalar("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")
        .fetch_one(session);
    let size: Option<i64> = timeout(SIZE_PATIENCE, size).await.ok().and_then(Result::ok);
    Ok((count.unsigned_abs(), size.map(i64::unsigned_abs)))
}

//! A change to a tenant's access that is made and not committed: its row is held until the control
//! plane was asked whether the change is still wanted.
//!
//! Commands that lock, unlock, delete and restore one tenant do not wait for each other: a lockdown
//! waits for nobody. Each commits to the control plane first, then changes the row here, looks at
//! the control plane once more while it holds the row, and only then commits. So who holds the row
//! last has seen everybody's decision, and whatever the order, the row ends as the record says. A
//! process that is killed in between has changed nothing.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::sql::run;

/// How long a row may be held while nothing happens, in milliseconds: a process that was stopped in
/// between must not hold up a lockdown.
const HELD_MS: u32 = 3000;

/// A change that is neither committed nor taken back yet. The session can be used for nothing else
/// meanwhile; when it ends, the change is taken back.
#[must_use = "it is committed or taken back by hand"]
#[derive(Debug)]
pub(crate) struct Pending<'c> {
    connection: &'c mut PgConnection,
}

/// Begins a change on a session.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<(), ServerError> {
    let text = format!("BEGIN; SET LOCAL idle_in_transaction_session_timeout = {HELD_MS}");
    run(connection, text, "begin a change of who is let in").await
}

/// Ends it without effect.
pub(super) async fn take_back(connection: &mut PgConnection) -> Result<(), ServerError> {
    run(connection, "ROLLBACK".to_owned(), "take back a change of who is let in").await
}

impl<'c> Pending<'c> {
    /// Returns the change that was begun and made on a session.
    pub(super) fn made(connection: &'c mut PgConnection) -> Self {
        Self { connection }
    }

    /// Makes it count.
    pub(crate) async fn commit(self) -> Result<(), ServerError> {
        run(self.connection, "COMMIT".to_owned(), "commit a change of who is let in").await
    }

    /// Leaves everything as it was.
    pub(crate) async fn take_back(self) -> Result<(), ServerError> {
        take_back(self.connection).await
    }
}

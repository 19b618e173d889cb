//! Runs one file, and leaves the session as it was.
//!
//! A file and the row that says it ran are one transaction, and where no data follow a `COPY`, one
//! message: a file that reaches this place was read to its end, so nothing of ours can be taken for
//! a part of it.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use squawk_syntax::ast::{AstNode, CreateIndex};

use super::error::ServerFault;
use super::script::{Part, Script};
use super::session::Footing;
use super::tree;

/// Gives back the session's advisory locks, but those whose list, and a bracket, follow.
const UNLOCK: &str = "SELECT CASE WHEN objsubid = 1 AND mode = 'ShareLock' \
         THEN pg_advisory_unlock_shared((classid::bigint << 32) | objid::bigint) \
       WHEN objsubid = 1 THEN pg_advisory_unlock((classid::bigint << 32) | objid::bigint) \
       WHEN mode = 'ShareLock' THEN pg_advisory_unlock_shared( \
         (classid::bigint << 32 >> 32)::integer, (objid::bigint << 32 >> 32)::integer) \
       ELSE pg_advisory_unlock( \
         (classid::bigint << 32 >> 32)::integer, (objid::bigint << 32 >> 32)::integer) END \
     FROM pg_catalog.pg_lock_status() WHERE locktype = 'advisory' AND granted \
       AND pid = pg_backend_pid() AND (classid::bigint, objid::bigint, objsubid) NOT IN (";

/// Returns the advisory locks that the session holds, as a list for `IN`.
const HELD: &str = "SELECT coalesce(string_agg(format('(%s,%s,%s)', classid, objid, objsubid), ','), \
       '(0,0,0)') FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted \
       AND pid = pg_backend_pid()";

type Result<T> = std::result::Result<T, ServerFault>;

/// A session in which files run one after the other.
pub(crate) struct Files<'c> {
    connection: &'c mut PgConnection,
    footing: &'c Footing,
    /// The locks that stay.
    locks: String,
}

impl<'c> Files<'c> {
    /// Prepares a session: runs this statement, and remembers which locks it holds.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn begin(
        connection: &'c mut PgConnection,
        footing: &'c Footing,
        first: &str,
    ) -> Result<Self> {
        // The files' prepared statements are dropped by one statement, which spares none.
        connection.clear_cached_statements().await?;
        let text = AssertSqlSafe(format!("{first};\n{HELD}"));
        let row = sqlx::raw_sql(text).fetch_one(&mut *connection).await?;
        let locks = row.try_get_unchecked(0)?;
        Ok(Self { connection, footing, locks })
    }

    /// Goes on in a session that holds these locks, a list for `IN`, and has no statement prepared that
    /// is used again.
    pub(crate) async fn go_on(
        connection: &'c mut PgConnection,
        footing: &'c Footing,
        locks: String,
    ) -> Result<Self> {
        connection.clear_cached_statements().await?;
        Ok(Self { connection, footing, locks })
    }

    /// Lets the next files run on another footing.
    pub(super) fn stand_on(&mut self, footing: &'c Footing) {
        self.footing = footing;
    }

    /// Returns the session itself, for statements of ours that are not kept prepared.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.connection
    }

    /// Runs statements of ours.
    pub(super) async fn run(&mut self, text: String) -> Result<()> {
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *self.connection).await;
        Ok(done.map(drop)?)
    }

    /// Runs a file and records it, in one transaction unless its head asks for none.
    ///
    /// # Errors
    /// What the server said, with its place in the file. Nothing of the file stays.
    pub(crate) async fn apply(&mut self, script: &Script<'_>, record: &str) -> Result<()> {
        let ending =
            format!("{};\n{record};\nCOMMIT;\n{UNLOCK}{})", self.footing.after(), self.locks);
        if script.is_alone {
            self.run_alone(script).await?;
            return self.run(format!("BEGIN;\n{ending}")).await;
        }
        let done = self.run_between("BEGIN;\n", script, &ending).await;
        if done.is_err() {
            // Where the connection is gone, so is the transaction.
            drop(self.run("ROLLBACK".to_owned()).await);
        }
        done
    }

    /// Commits the transaction that `begin` opened, and gives back what the files locked.
    ///
    /// # Errors
    /// What the server said; nothing was committed then.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.run(format!("COMMIT;\n{UNLOCK}{})", self.locks)).await
    }

    /// Rolls back the transaction that `begin` opened.
    ///
    /// # Errors
    /// What the server said.
    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        self.run("ROLLBACK".to_owned()).await
    }

    /// Runs a file and records it, inside a transaction that is open.
    ///
    /// # Errors
    /// As for `apply`; the transaction has failed.
    pub(crate) async fn apply_inside(&mut self, script: &Script<'_>, record: &str) -> Result<()> {
        let ending = format!("{};\n{record}", self.footing.after());
        self.run_between("", script, &ending).await
    }

    async fn run_between(&mut self, begin: &str, script: &Script<'_>, ending: &str) -> Result<()> {
        let mut before = format!("{begin}{}", self.footing.before());
        let parts = script.parts();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            if let Some(data) = part.data {
                let opening = std::mem::take(&mut before);
                if !opening.is_empty() {
                    self.run(opening).await?;
                }
                self.copy(part, data).await?;
            } else if is_last {
                let text = format!("{before}{}\n;\n{ending}", part.sql);
                return self.run(text).await.map_err(|fault| placed(fault, &before, part));
            } else {
                let text = format!("{before}{}", part.sql);
                self.run(text).await.map_err(|fault| placed(fault, &before, part))?;
                before.clear();
            }
        }
        self.run(format!("{before}{ending}")).await
    }

    async fn copy(&mut self, part: &Part<'_>, data: &str) -> Result<()> {
        let copied = async {
            let mut copy = self.connection.copy_in_raw(part.sql).await?;
            copy.send(data.as_bytes()).await?;
            copy.finish().await
        };
        let copied = copied.await.map_err(ServerFault::from);
        copied.map(drop).map_err(|fault| placed(fault, "", part))
    }

    /// Runs the one statement of a file outside a transaction.
    async fn run_alone(&mut self, script: &Script<'_>) -> Result<()> {
        if !self.footing.before().is_empty() {
            self.run(self.footing.before().to_owned()).await?;
        }
        for part in script.parts() {
            if let Some(data) = part.data {
                self.copy(&part, data).await?;
                continue;
            }
            let index = Build::of(part.sql);
            if let Some(index) = &index {
                // It waits for every transaction that was there before it, and nobody waits behind it.
                self.run("SET lock_timeout = 0".to_owned()).await?;
                // Left by a build that failed or was killed: `IF NOT EXISTS` would skip it.
                self.drop_invalid(index).await?;
            }
            if let Err(fault) = self.run(part.sql.to_owned()).await {
                if let Some(index) = &index {
                    drop(self.drop_invalid(index).await);
                    drop(self.run(self.footing.ours()).await);
                }
                return Err(placed(fault, "", &part));
            }
        }
        Ok(())
    }

    /// Drops an index of this name on this table when it is not valid.
    async fn drop_invalid(&mut self, build: &Build) -> Result<()> {
        let found: Option<String> = sqlx::query_scalar(
            "SELECT format('DROP INDEX CONCURRENTLY %s', c.oid::regclass) \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             WHERE i.indrelid = to_regclass($1) AND NOT i.indisvalid \
               AND c.relname = (parse_ident($2))[1]",
        )
        .bind(&build.table)
        .bind(&build.index)
        .persistent(false)
        .fetch_optional(&mut *self.connection)
        .await?;
        match found {
            Some(statement) => self.run(statement).await,
            None => Ok(()),
        }
    }
}

/// Puts the place of a fault into the file it is from.
fn placed(mut fault: ServerFault, before: &str, part: &Part<'_>) -> ServerFault {
    let inside = |position: usize| {
        let at = position.checked_sub(before.chars().count())?;
        (1..=part.sql.chars().count()).contains(&at).then_some(at + part.before)
    };
    fault.position = fault.position.and_then(inside);
    fault
}

/// A concurrent build of an index that has a name, both names as the file has them.
#[derive(Debug, PartialEq, Eq)]
struct Build {
    index: String,
    table: String,
}

impl Build {
    /// Returns the build that a statement is, if it is one.
    fn of(statement: &str) -> Option<Self> {
        tree::ask(statement, |file| {
            let create = file.syntax().descendants().find_map(CreateIndex::cast)?;
            let index = create.index()?.path()?.syntax().text().to_string();
            let table = create.table_relation_name()?.table_name_ref()?.syntax().text().to_string();
            let is_concurrent = create.concurrently_token().is_some();
            is_concurrent.then(|| Self { index: index.trim().into(), table: table.trim().into() })
        })
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concurrent_build_is_known_by_its_index_and_table() {
        let build = |index: &str, table: &str| {
            Some(Build { index: index.to_owned(), table: table.to_owned() })
        };
        for (statement, expected) in [
            ("create index concurrently i on t(x)", build("i", "t")),
            (
                "-- why\ncreate unique index concurrently if not exists \"I x\" on only a.\"T\" (x)",
                build("\"I x\"", "a.\"T\""),
            ),
            ("create index concurrently on t(x)", None),
            ("create index i on t(x)", None),
            ("vacuum t", None),
        ] {
            assert_eq!(Build::of(statement), expected, "{statement}");
        }
    }
}

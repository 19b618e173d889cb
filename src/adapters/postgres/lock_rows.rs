//! The rows that locks are, and the tokens that show whether a row's session still lives.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::PgError;
use super::row::row;

type Result<T> = std::result::Result<T, PgError>;

/// Where a lock's row is: in a schema whose tables no tenant's login is granted anything on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockTable {
    /// In the control plane.
    ControlPlane,
    /// Beside the gate, in the tenant's own database.
    Gate,
}

impl LockTable {
    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::ControlPlane => "control_plane",
            Self::Gate => "tenantctl",
        }
    }
}

/// Who has a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupant {
    /// The session that asks.
    Ourselves,
    /// The server process of a session that lives.
    Another(i32),
    /// No session that lives; the token of the last one, if there was one.
    Nobody(Option<i64>),
}

row! {
    /// A server process and the role it logged in as.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Holder {
        pub pid: i32,
        pub role: i64,
    }
}

row! {
    /// A lock's row: its token, and the session that held it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct LockRow {
        token: i64,
        pid: i32,
        role: i64,
    }
}

row! {
    /// What one query sees of a lock.
    struct Look {
        token: Option<i64>,
        pid: Option<i32>,
        is_alive: bool,
        is_ours: bool,
    }
}

impl Look {
    fn occupant(&self) -> Occupant {
        match (self.is_alive, self.is_ours, self.pid) {
            (true, true, _) => Occupant::Ourselves,
            (true, false, Some(pid)) => Occupant::Another(pid),
            _ => Occupant::Nobody(self.token),
        }
    }
}

/// The sessions that hold the token `$1`. The role is the one that logged in: neither it nor the
/// process can be another session's, so a login that learned the token is not mistaken for us.
pub(super) const HOLDERS: &str = r"FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND ((l.classid::bigint << 32) | l.objid::bigint)";

/// Returns a key that nobody can foresee.
pub(super) fn new_token() -> i64 {
    // Six bits of an id are fixed, and each is met by a random one.
    let (high, low) = Uuid::new_v4().as_u64_pair();
    (high ^ low).cast_signed()
}

/// Takes the token, and looks who has a lock whose row is in this database.
pub(super) async fn look_here(
    connection: &mut PgConnection,
    table: LockTable,
    name: &str,
    token: i64,
) -> Result<Occupant> {
    let schema = table.schema();
    let statement = format!(
        r"SELECT t.is_taken, k.token, k.pid, k.pid IS NOT DISTINCT FROM pg_backend_pid() AS is_ours,
            EXISTS (SELECT {HOLDERS} = k.token AND l.pid = k.pid AND a.usesysid::bigint = k.role)
                AS is_alive
        FROM (SELECT pg_try_advisory_lock($1) AS is_taken) t
        LEFT JOIN {schema}.locks k ON k.name = $2"
    );
    loop {
        let look: std::result::Result<Look, _> = sqlx::query_as(AssertSqlSafe(statement.clone()))
            .bind(token)
            .bind(name)
            .fetch_one(&mut *connection)
            .await;
        match look.map_err(PgError::doing("take a lock")) {
            Ok(look) => return Ok(look.occupant()),
            Err(error) if error.is("42P01") || error.is("3F000") => make(connection, table).await?,
            Err(error) => return Err(error),
        }
    }
}

/// Writes this session into a lock's row, if the token there is still the `last` one, and if this
/// session holds its own.
pub(super) async fn claim_here(
    connection: &mut PgConnection,
    table: LockTable,
    name: &str,
    token: i64,
    last: Option<i64>,
) -> Result<bool> {
    let source = format!("SELECT $2, $1, l.pid, a.usesysid::bigint {HOLDERS} = $1");
    let statement = claiming(table, &format!("{source} AND l.pid = pg_backend_pid()"), "$3");
    let claimed: Option<bool> = sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(token)
        .bind(name)
        .bind(last)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("take a lock"))?;
    Ok(claimed.is_some())
}

/// Writes a session of another server into a lock's row, if the token there is still the `last` one.
pub(super) async fn claim(
    keeper: &mut PgConnection,
    table: LockTable,
    name: &str,
    (token, holder): (i64, Holder),
    last: Option<i64>,
) -> Result<bool> {
    let claimed: Option<bool> =
        sqlx::query_scalar(AssertSqlSafe(claiming(table, "VALUES ($2, $1, $4, $5)", "$3")))
            .bind(token)
            .bind(name)
            .bind(last)
            .bind(holder.pid)
            .bind(holder.role)
            .fetch_optional(keeper)
            .await
            .map_err(PgError::doing("take a lock"))?;
    Ok(claimed.is_some())
}

/// A row is replaced by who read its token and found it ended; the others look again.
fn claiming(table: LockTable, source: &str, last: &str) -> String {
    let schema = table.schema();
    format!(
        r"INSERT INTO {schema}.locks AS k (name, token, pid, role) {source}
        ON CONFLICT (name) DO UPDATE SET token = excluded.token, pid = excluded.pid,
            role = excluded.role, taken_at = now()
        WHERE k.token = {last} RETURNING true"
    )
}

/// Takes the token on the session that is to hold a lock.
pub(super) async fn take(holder: &mut PgConnection, token: i64) -> Result<()> {
    sqlx::query("SELECT pg_try_advisory_lock($1)")
        .bind(token)
        .execute(holder)
        .await
        .map_err(PgError::doing("take a lock"))?;
    Ok(())
}

/// Returns this session, if it holds the token.
pub(super) async fn holder_of(connection: &mut PgConnection, token: i64) -> Result<Option<Holder>> {
    let statement = format!(
        "SELECT l.pid, a.usesysid::bigint AS role {HOLDERS} = $1 AND l.pid = pg_backend_pid()"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(token)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("see a lock held"))
}

/// Returns a lock's row.
pub(super) async fn read(
    keeper: &mut PgConnection,
    table: LockTable,
    name: &str,
) -> Result<Option<LockRow>> {
    let schema = table.schema();
    let statement = format!("SELECT token, pid, role FROM {schema}.locks WHERE name = $1");
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(name)
        .fetch_optional(keeper)
        .await
        .map_err(PgError::doing("look who holds a lock"))
}

/// Returns whether the session in a row lives, asked on its server.
pub(super) async fn judge(connection: &mut PgConnection, row: &LockRow) -> Result<Occupant> {
    let statement = format!(
        r"SELECT $1 AS token, $2 AS pid, $2 = pg_backend_pid() AS is_ours,
            EXISTS (SELECT {HOLDERS} = $1 AND l.pid = $2 AND a.usesysid::bigint = $3) AS is_alive"
    );
    let look: Look = sqlx::query_as(AssertSqlSafe(statement))
        .bind(row.token)
        .bind(row.pid)
        .bind(row.role)
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("look who holds a lock"))?;
    Ok(look.occupant())
}

/// Makes the table, which is older than the migrations that a lock is held around.
async fn make(connection: &mut PgConnection, table: LockTable) -> Result<()> {
    let schema = table.schema();
    let statement = format!(
        r"CREATE SCHEMA IF NOT EXISTS {schema};
        CREATE TABLE IF NOT EXISTS {schema}.locks (
            name text PRIMARY KEY,
            token bigint NOT NULL,
            pid integer NOT NULL,
            role bigint NOT NULL,
            taken_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE {schema}.locks IS
            'A row names the session that holds a lock: it is held while the process of that role '
            'holds the advisory lock token, and free otherwise.'"
    );
    let made = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    match made.map_err(PgError::doing("make the table of locks")) {
        // Another session made it in the same moment ("tuple concurrently updated" is XX000).
        Err(error) if ["23505", "42P06", "42P07", "XX000"].iter().any(|code| error.is(code)) => {
            Ok(())
        }
        made => made.map(drop),
    }
}

//! `control_plane.migration_runs`: a fleet migration, what it applies, and where it stands.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader, row};
use crate::model::{Actor, MigrationRecord, Reason, RunId, RunState, SchemaVersion, shorten};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A run to be made.
#[derive(Debug)]
pub(crate) struct NewRun<'a> {
    /// What a tenant has afterwards, in order.
    pub(crate) migrations: &'a [MigrationRecord],
    /// Of a database that has them all.
    pub(crate) fingerprint: &'a str,
    pub(crate) target: Option<SchemaVersion>,
    pub(crate) seed_set: Option<&'a str>,
    /// As it was asked for.
    pub(crate) selector: serde_json::Value,
    pub(crate) canary: Option<String>,
    pub(crate) max_failures: Option<String>,
    /// More failed tenants than this pause it.
    pub(crate) failure_limit: Option<usize>,
    /// A hash of what was asked for.
    pub(crate) plan_key: &'a str,
    pub(crate) actor: &'a Actor,
    pub(crate) reason: Option<&'a Reason>,
    pub(crate) operation_id: Uuid,
}

/// A run as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) state: RunState,
    /// Why it is paused or cancelled.
    pub(crate) state_reason: Option<String>,
    /// By whom.
    pub(crate) state_by: Option<String>,
    pub(crate) migrations: Vec<MigrationRecord>,
    pub(crate) fingerprint: String,
    pub(crate) target: Option<SchemaVersion>,
    pub(crate) seed_set: Option<String>,
    pub(crate) selector: serde_json::Value,
    pub(crate) canary: Option<String>,
    pub(crate) max_failures: Option<String>,
    /// More failed tenants than this pause it.
    pub(crate) failure_limit: Option<usize>,
    pub(crate) actor: String,
    pub(crate) reason: Option<String>,
    /// What ties its rows in the audit trail.
    pub(crate) operation_id: Uuid,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) started_at: Option<OffsetDateTime>,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

impl<'r> FromRow<'r, PgRow> for Run {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "migration_runs", key: "run_id", row };
        let Json(migrations): Json<Vec<Recorded>> = reader.get("migrations")?;
        let unfit = || reader.unfit("migrations");
        let migrations = migrations.into_iter().map(|it| it.record().ok_or_else(unfit));
        Ok(Self {
            id: RunId(reader.get("run_id")?),
            state: reader.parse("state")?,
            state_reason: reader.get("state_reason")?,
            state_by: reader.get("state_by")?,
            migrations: migrations.collect::<std::result::Result<_, _>>()?,
            fingerprint: reader.get("fingerprint")?,
            target: reader.get::<Option<i64>>("target")?.map(SchemaVersion),
            seed_set: reader.get("seed_set")?,
            selector: reader.get::<Json<_>>("selector")?.0,
            canary: reader.get("canary")?,
            max_failures: reader.get("max_failures")?,
            failure_limit: reader
                .get::<Option<i32>>("failure_limit")?
                .map(|limit| usize::try_from(limit).unwrap_or(0)),
            actor: reader.get("actor")?,
            reason: reader.get("reason")?,
            operation_id: reader.get("operation_id")?,
            created_at: reader.get("created_at")?,
            started_at: reader.get("started_at")?,
            finished_at: reader.get("finished_at")?,
        })
    }
}

/// A migration as the list in a run has it; JSON numbers do not hold every checksum.
#[derive(serde::Serialize, serde::Deserialize)]
struct Recorded {
    version: i64,
    name: String,
    checksum: String,
}

impl Recorded {
    fn of(record: &MigrationRecord) -> Self {
        let MigrationRecord { version, name, checksum } = record;
        Self { version: version.0, name: name.clone(), checksum: checksum.to_string() }
    }

    fn record(self) -> Option<MigrationRecord> {
        let Self { version, name, checksum } = self;
        let checksum = checksum.parse().ok()?;
        Some(MigrationRecord { version: SchemaVersion(version), name, checksum })
    }
}

row! {
    /// How many tenants stand where, and what decides how the run goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct RunCounts {
        pub(crate) pending: i64,
        pub(crate) leased: i64,
        pub(crate) done: i64,
        pub(crate) unchanged: i64,
        pub(crate) failed: i64,
        pub(crate) skipped: i64,
        /// Canaries that have not had their turn.
        pub(crate) open_canaries: i64,
        /// Failed since it was last resumed.
        pub(crate) failed_since: i64,
        /// Canaries among those.
        pub(crate) failed_canaries: i64,
        /// Those whose history or catalog contradicts what is applied.
        pub(crate) alarming: i64,
    }
}

const COUNTS: &str = r"count(*) FILTER (WHERE l.state = 'pending') AS pending,
    count(*) FILTER (WHERE l.state = 'leased') AS leased,
    count(*) FILTER (WHERE l.state = 'done') AS done,
    count(*) FILTER (WHERE l.state = 'unchanged') AS unchanged,
    count(*) FILTER (WHERE l.state = 'failed') AS failed,
    count(*) FILTER (WHERE l.state = 'skipped') AS skipped,
    count(*) FILTER (WHERE l.wave = 0 AND l.state IN ('pending', 'leased')) AS open_canaries,
    count(*) FILTER (WHERE l.state = 'failed'
        AND (r.resumed_at IS NULL OR l.finished_at > r.resumed_at)) AS failed_since,
    count(*) FILTER (WHERE l.wave = 0 AND l.state = 'failed'
        AND (r.resumed_at IS NULL OR l.finished_at > r.resumed_at)) AS failed_canaries,
    count(*) FILTER (WHERE l.state = 'failed' AND (l.cause ->> 'alarming')::boolean
        AND (r.resumed_at IS NULL OR l.finished_at > r.resumed_at)) AS alarming";

impl RunCounts {
    /// Returns how many tenants there are.
    pub(crate) fn all(&self) -> i64 {
        self.open() + self.done + self.unchanged + self.failed + self.skipped
    }

    /// Returns how many have not had their turn.
    pub(crate) fn open(&self) -> i64 {
        self.pending + self.leased
    }
}

const COLUMNS: &str = r"run_id, state, state_reason, state_by, migrations, fingerprint, target, seed_set,
    selector, canary, max_failures, failure_limit, actor, reason, operation_id, created_at, started_at,
    finished_at";

/// Makes a run without tenants; nothing when one that asks for the same is open.
pub(crate) async fn create_run(
    connection: &mut PgConnection,
    new: &NewRun<'_>,
) -> Result<Option<RunId>> {
    let migrations: Vec<_> = new.migrations.iter().map(Recorded::of).collect();
    let id: Option<i64> = sqlx::query_scalar(
        r"INSERT INTO control_plane.migration_runs (migrations, fingerprint, target, seed_set, selector,
            canary, max_failures, failure_limit, plan_key, actor, reason, operation_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (plan_key) WHERE finished_at IS NULL DO NOTHING RETURNING run_id",
    )
    .bind(Json(migrations))
    .bind(new.fingerprint)
    .bind(new.target.map(|version| version.0))
    .bind(new.seed_set)
    .bind(Json(&new.selector))
    .bind(&new.canary)
    .bind(&new.max_failures)
    .bind(new.failure_limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
    .bind(new.plan_key)
    .bind(new.actor.as_str())
    .bind(new.reason.map(Reason::as_str))
    .bind(new.operation_id)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("record the run"))?;
    Ok(id.map(RunId))
}

/// Which run is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhichRun<'a> {
    Number(RunId),
    /// The open one that asks for the same.
    Alike(&'a str),
    /// The newest that is not over.
    NewestOpen,
    /// The newest that is not over, or has failures.
    NewestToRetry,
}

/// Returns a run, and in a transaction keeps others from changing where it stands.
pub(crate) async fn find_run(
    connection: &mut PgConnection,
    which: WhichRun<'_>,
    is_held: bool,
) -> Result<Option<Run>> {
    let (condition, number, key) = match which {
        WhichRun::Number(RunId(number)) => ("run_id = $1", Some(number), None),
        WhichRun::Alike(key) => ("plan_key = $2 AND finished_at IS NULL", None, Some(key)),
        WhichRun::NewestOpen => ("finished_at IS NULL", None, None),
        WhichRun::NewestToRetry => {
            ("(finished_at IS NULL OR state = 'completed_with_failures')", None, None)
        }
    };
    let held = if is_held { "FOR UPDATE" } else { "" };
    let text = format!(
        r"SELECT {COLUMNS} FROM control_plane.migration_runs
        WHERE {condition} AND ($1::bigint IS NULL OR true) AND ($2::text IS NULL OR true)
        ORDER BY run_id DESC LIMIT 1 {held}"
    );
    let found = sqlx::query_as(AssertSqlSafe(text))
        .bind(number)
        .bind(key)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("read the run"))?;
    Ok(found)
}

/// Returns the newest runs, newest first.
pub(crate) async fn list_runs(connection: &mut PgConnection, limit: i64) -> Result<Vec<Run>> {
    let text =
        format!("SELECT {COLUMNS} FROM control_plane.migration_runs ORDER BY run_id DESC LIMIT $1");
    let runs = sqlx::query_as(AssertSqlSafe(text))
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the runs"))?;
    Ok(runs)
}

/// Counts the tenants of a run by where they stand.
pub(crate) async fn count_run(
    connection: &mut PgConnection,
    RunId(run): RunId,
) -> Result<RunCounts> {
    let text = format!(
        r"SELECT {COUNTS} FROM control_plane.migration_runs r
        JOIN control_plane.migration_run_tenants l USING (run_id) WHERE r.run_id = $1"
    );
    let counts = sqlx::query_as(AssertSqlSafe(text))
        .bind(run)
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("count the tenants of the run"))?;
    Ok(counts)
}

/// Sets where a run stands, and why, and by whom; it ends with what is over.
pub(crate) async fn set_run_state(
    connection: &mut PgConnection,
    RunId(run): RunId,
    state: RunState,
    why: Option<(&str, &str)>,
) -> Result<()> {
    let (reason, by) = why.unzip();
    sqlx::query(
        r"UPDATE control_plane.migration_runs SET state = $2, state_reason = $3, state_by = $4,
            started_at = CASE WHEN $2 = 'planned' THEN started_at
                ELSE coalesce(started_at, clock_timestamp()) END,
            finished_at = CASE WHEN $5 THEN clock_timestamp() END
        WHERE run_id = $1",
    )
    .bind(run)
    .bind(state.word())
    .bind(reason.map(|text| shorten(text, 2000)))
    .bind(by)
    .bind(state.is_over())
    .execute(connection)
    .await
    .map_err(PgError::doing("record where the run stands"))?;
    Ok(())
}

/// Forgives the failures so far, so that they pause the run no more, and gives it another operation in
/// the audit trail where it was over.
pub(crate) async fn forgive(
    connection: &mut PgConnection,
    RunId(run): RunId,
    operation_id: Uuid,
) -> Result<()> {
    sqlx::query(
        r"UPDATE control_plane.migration_runs
        SET resumed_at = clock_timestamp(), operation_id = $2 WHERE run_id = $1",
    )
    .bind(run)
    .bind(operation_id)
    .execute(connection)
    .await
    .map_err(PgError::doing("resume the run"))?;
    Ok(())
}

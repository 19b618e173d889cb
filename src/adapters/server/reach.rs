//! What a client reaches in a locked tenant's database: every table, view and command that a role has a
//! privilege for, tried as that role, in one statement for each role.
//!
//! Everything happens in one transaction that is rolled back. A try stops at the first row that the
//! policies let through, before anything is done to it, and none is made where it would run triggers
//! of the product's. What could not be seen, because a table has no row, is judged by the catalog: a
//! restrictive policy has to ask the gate. Neither alone counts as refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::database::TenantDatabase;
use super::error::ServerError;
use crate::adapters::postgres::{PgError, identifier, row};

type Result<T> = std::result::Result<T, ServerError>;

/// What may be tried.
const REACH: &str = include_str!("reach.sql");

/// Tries what `tenantctl.attempts` lists, with each token's claims and then without any, as the
/// application asks, which says itself for whom where claims do not; leaves in `tenantctl.seen` what came of each that the policies did not refuse.
const TRY: &str = r"DO $probe$
DECLARE
    one record;
    claims text;
    named text;
    outcome text;
    passed bigint;
    seen jsonb := '[]';
BEGIN
    FOR claims, named IN
        SELECT c::text, c #>> '{app_metadata,tenant_id}'
            FROM jsonb_array_elements(current_setting('tenantctl.claims')::jsonb) c
        UNION ALL SELECT '', NULL
    LOOP
        PERFORM set_config('request.jwt.claims', claims, true), set_config(
            'app.current_tenant_id',
            CASE WHEN named IS NULL THEN current_setting('tenantctl.tenant') ELSE '' END, true);
        FOR one IN
            SELECT * FROM jsonb_to_recordset(current_setting('tenantctl.attempts')::jsonb)
                AS a(at integer, statement text)
        LOOP
            outcome := NULL;
            BEGIN
                EXECUTE one.statement;
                GET DIAGNOSTICS passed = ROW_COUNT;
                outcome := CASE WHEN passed > 0 THEN '00000' END;
                RAISE EXCEPTION USING ERRCODE = 'TC000';
            EXCEPTION
                WHEN SQLSTATE 'TC000' OR insufficient_privilege THEN NULL;
                WHEN OTHERS THEN outcome := SQLSTATE;
            END;
            IF outcome IS NOT NULL THEN
                seen := seen || jsonb_build_object('at', one.at, 'outcome', outcome);
            END IF;
        END LOOP;
    END LOOP;
    PERFORM set_config('tenantctl.seen', seen::text, true);
END $probe$";

/// A way in that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) role: String,
    /// A table or view, or what else is reached.
    pub(crate) what: String,
    /// As in `select`.
    pub(crate) commands: Vec<String>,
    /// What shows it, as in `rows came back`.
    pub(crate) why: String,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, what, commands, why } = self;
        write!(f, "{role} may {} on {what}: {why}", commands.join(", "))
    }
}

/// What was tried and seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reached {
    pub(crate) holes: Vec<Hole>,
    /// How many statements were tried and refused.
    pub(crate) refused: usize,
    pub(crate) roles: usize,
    /// Roles that the operator may not become, so that nothing was tried as them.
    pub(crate) untried: Vec<String>,
}

row! {
    #[derive(Debug, Clone)]
    struct Way {
        role: String,
        is_reachable: bool,
        what: String,
        command: String,
        why: Option<String>,
        statement: Option<String>,
    }
}

#[derive(serde::Deserialize)]
struct Outcome {
    at: usize,
    outcome: String,
}

impl TenantDatabase {
    /// Tries every table as every role that a client can be; `tokens` are their claims.
    ///
    /// # Errors
    /// When the server does not answer or refuses what the tries need.
    pub(crate) async fn reach(&mut self, tokens: &[serde_json::Value]) -> Result<Reached> {
        let home = self.home().clone();
        let (login, tenant) = (home.name().login().to_owned(), home.identity.tenant_id);
        let own_database = home.name_there().map(str::to_owned);
        let doing = || PgError::doing("try the tenant's tables");
        let mut transaction = sqlx::Connection::begin(self.connection()).await.map_err(doing())?;
        let connection = &mut *transaction;
        say(connection, "RESET ROLE").await?;
        home.server.act_as_operator(connection).await?;
        let ways: Vec<Way> = sqlx::query_as(REACH)
            .bind(&login)
            .bind(tenant)
            .bind(own_database)
            .fetch_all(&mut *connection)
            .await
            .map_err(doing())?;
        let mut reached = Reached::default();
        let mut open: BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)> =
            BTreeMap::new();
        let mut note = |way: &Way, why: &str| {
            let (commands, reasons) = open.entry((way.role.clone(), way.what.clone())).or_default();
            commands.insert(way.command.clone());
            reasons.insert(why.to_owned());
        };
        for way in &ways {
            if let Some(why) = &way.why {
                note(way, why);
            }
        }
        let roles: BTreeSet<&str> = ways.iter().map(|way| way.role.as_str()).collect();
        for role in roles {
            let tried: Vec<&Way> =
                ways.iter().filter(|way| way.role == role && way.statement.is_some()).collect();
            if tried.is_empty() {
                continue;
            }
            let Some(seen) = try_as(connection, role, &tried, tokens, tenant).await? else {
                if tried.iter().any(|way| way.is_reachable) {
                    reached.untried.push(role.to_owned());
                }
                continue;
            };
            reached.roles += 1;
            let mut passed = BTreeSet::new();
            for Outcome { at, outcome } in seen {
                let Some(way) = tried.get(at) else { continue };
                if let Some(why) = meaning(&outcome, &way.command) {
                    note(way, why);
                    passed.insert(at);
                }
            }
            reached.refused += tried.len() - passed.len();
        }
        transaction.rollback().await.map_err(doing())?;
        reached.holes = open
            .into_iter()
            .map(|((role, what), (commands, reasons))| Hole {
                role,
                what,
                commands: commands.into_iter().collect(),
                why: reasons.into_iter().collect::<Vec<_>>().join(", "),
            })
            .collect();
        Ok(reached)
    }
}

/// Returns what an outcome that is no refusal shows; nothing when it shows nothing.
fn meaning(outcome: &str, command: &str) -> Option<&'static str> {
    match (outcome, command) {
        ("00000", "select") => Some("rows came back"),
        ("00000" | "22012", _) => Some("rows were reached"),
        // The constraints of a table are asked after its policies (`ExecInsert` in
        // `src/backend/executor/nodeModifyTable.c`, read 2026-11).
        (outcome, "insert") if outcome.starts_with("23") => Some("a row got past the policies"),
        _ => None,
    }
}

/// Tries the statements as a role; nothing when the operator may not become it.
async fn try_as(
    connection: &mut PgConnection,
    role: &str,
    tried: &[&Way],
    tokens: &[serde_json::Value],
    tenant: Uuid,
) -> Result<Option<Vec<Outcome>>> {
    let attempts: Vec<_> = tried
        .iter()
        .enumerate()
        .map(|(at, way)| serde_json::json!({ "at": at, "statement": way.statement }))
        .collect();
    let doing = || PgError::doing("try the tenant's tables");
    say(connection, "SAVEPOINT role").await?;
    sqlx::query(
        r"SELECT set_config('tenantctl.attempts', $1, true),
            set_config('tenantctl.claims', $2, true), set_config('tenantctl.tenant', $3, true)",
    )
    .bind(serde_json::Value::from(attempts).to_string())
    .bind(serde_json::json!(tokens).to_string())
    .bind(tenant.to_string())
    .execute(&mut *connection)
    .await
    .map_err(doing())?;
    // The membership ends with the transaction, which is rolled back.
    let role = identifier(role);
    let become_it = format!("SET LOCAL ROLE {role}");
    if attempt(connection, &become_it).await.is_err()
        && (attempt(connection, &format!("GRANT {role} TO CURRENT_USER")).await.is_err()
            || attempt(connection, &become_it).await.is_err())
    {
        say(connection, "ROLLBACK TO SAVEPOINT role").await?;
        return Ok(None);
    }
    say(connection, TRY).await?;
    let seen: String = sqlx::query_scalar("SELECT current_setting('tenantctl.seen')")
        .fetch_one(&mut *connection)
        .await
        .map_err(doing())?;
    say(connection, "ROLLBACK TO SAVEPOINT role").await?;
    let unreadable = |_| ServerError::Gate("what it lets through could not be read");
    Ok(Some(serde_json::from_str(&seen).map_err(unreadable)?))
}

/// Runs a statement that may be refused, and leaves the transaction in order.
async fn attempt(connection: &mut PgConnection, statement: &str) -> Result<()> {
    say(connection, "SAVEPOINT attempt").await?;
    let said = say(connection, statement).await;
    if said.is_err() {
        say(connection, "ROLLBACK TO SAVEPOINT attempt").await?;
    }
    said
}

async fn say(connection: &mut PgConnection, statement: &str) -> Result<()> {
    let said = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    said.map(drop).map_err(|error| PgError::doing("try the tenant's tables")(error).into())
}

//! `query`: one statement that only reads, in every selected tenant.
//!
//! A locked tenant is skipped, named or not: its gate lets nobody see a row, and an empty answer would
//! not be true.

use std::sync::Mutex;

use super::event::FleetEvent;
use super::report::{FleetReport, TenantVerdict};
use super::run::{Fleet, Turn, run_fleet};
use super::select::{enter, reason_to_skip, select};
use crate::adapters::control_plane::AuditOutcome;
use crate::adapters::server::QueryRow;
use crate::model::{Act, Actor, Interrupt, Patience, Selector, Tenant, TenantNames};
use crate::services::audit::Entry;
use crate::services::home::World;
use crate::services::migration::{MigrationError, read_only};

/// How many tenants an audit entry names.
const NAMED: usize = 200;

#[derive(Debug)]
pub(crate) struct QueryRequest {
    pub selector: Selector,
    pub statement: String,
    /// How many rows of each tenant are returned at most.
    pub limit: u32,
    pub jobs: usize,
    /// How long the statement may take in one tenant.
    pub patience: Patience,
    pub actor: Actor,
}

/// What a statement returned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryReport {
    /// How each tenant ended.
    pub fleet: FleetReport,
    /// By tenant, in the order of their slugs.
    pub rows: Vec<(TenantNames, QueryRow)>,
    /// The tenants that have more rows than the limit.
    pub cut: Vec<TenantNames>,
    pub limit: u32,
}

/// Runs the statement in every selected tenant, several at a time.
///
/// # Errors
/// When the statement is no single query, or no tenant could be started. What happens in one tenant is
/// in the report.
pub(crate) async fn query(
    world: &World,
    request: &QueryRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<QueryReport, MigrationError> {
    let statement = read_only(&request.statement)?;
    let tenants = select(&world.plane, &request.selector).await?;
    let slugs: Vec<_> = tenants.iter().take(NAMED).map(|it| it.slug.to_string()).collect();
    let detail = serde_json::json!({
        "tenants": tenants.len(), "first": slugs, "statement": statement,
    });
    let entry = Entry::new(Act::Query, &request.actor);
    let entry = match tenants.as_slice() {
        [only] => entry.about(only),
        _ => entry,
    };
    let entry = entry.intent(&mut *world.plane.session().await?, detail).await?;
    let (found, cut) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let act = |tenant: Tenant| async {
        let tenant = tenant;
        let deadline = request.patience.until();
        let mut database = enter(world, &tenant, deadline).await?;
        let most = request.limit.saturating_add(1);
        let mut rows = database
            .query(&statement, most, request.patience.bound(request.patience.length()))
            .await?;
        database.close().await;
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let names = TenantNames::from(&tenant);
        if rows.len() > limit {
            rows.truncate(limit);
            push(&cut, [names.clone()]);
        }
        let counted = format!("{} rows", rows.len());
        push(&found, rows.into_iter().map(|row| (names.clone(), row)));
        let version = tenant.schema.and_then(|schema| schema.version);
        Turn::Ok((TenantVerdict::Done(vec![counted]), version))
    };
    let fleet = Fleet {
        plane: &world.plane,
        tenants,
        act: Act::Query,
        actor: &request.actor,
        jobs: request.jobs,
        // Its entry is written here, with the statement.
        is_dry_run: true,
        selector: &request.selector,
    };
    let decide = |tenant: &Tenant| reason_to_skip(tenant).map(TenantVerdict::Skipped);
    let fleet = run_fleet(fleet, interrupt, on_event, decide, act).await?;
    let fleet = FleetReport { is_dry_run: false, ..fleet };
    let failed = fleet.count(|verdict| matches!(verdict, TenantVerdict::Failed(_)));
    let is_bad = failed > 0 || fleet.is_interrupted;
    let outcome = if is_bad { AuditOutcome::Failed } else { AuditOutcome::Done };
    let mut rows = found.into_inner().unwrap_or_default();
    let detail = serde_json::json!({ "rows": rows.len(), "failed": failed });
    entry.end(&mut *world.plane.session().await?, outcome, detail).await?;
    // The rows of one tenant stay in the order that the statement gave them.
    rows.sort_by(|(a, _), (b, _)| a.slug.cmp(&b.slug));
    let mut cut = cut.into_inner().unwrap_or_default();
    cut.sort_by(|a: &TenantNames, b| a.slug.cmp(&b.slug));
    Ok(QueryReport { fleet, rows, cut, limit: request.limit })
}

fn push<T>(to: &Mutex<Vec<T>>, more: impl IntoIterator<Item = T>) {
    if let Ok(mut to) = to.lock() {
        to.extend(more);
    }
}

//! Runs one act over many tenants, several at a time, with one result each.
//!
//! A tenant's failure never stops the others. Everything runs in one task, so that events have one
//! order and nothing outlives the command.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use super::cause::Cause;
use super::event::FleetEvent;
use super::report::{FleetReport, TenantResult, TenantVerdict};
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane};
use crate::model::{
    Act, Actor, Classified, DatabaseName, Interrupt, SchemaVersion, Selector, Slug, Tenant,
    TenantNames,
};
use crate::services::audit::{Entry, OpenEntry};
use crate::services::migration::MigrationError;

/// How long one tenant may take in all, so that a server which stops answering does not hold up the
/// fleet. When it passes, our connection is closed, and Postgres aborts the statement it still
/// runs: `Purpose` sets `client_connection_check_interval`, without which a server notices only
/// when it next uses the socket (Postgres 14 and newer on Linux, macOS and BSD; read 2026-11).
const TENANT_DEADLINE: Duration = Duration::from_mins(30);

/// How long to look what became of a tenant whose turn failed: there may be no session for it.
const A_LOOK: Duration = Duration::from_secs(2);

/// How many tenants an audit entry names.
const NAMED: usize = 200;

/// The parameters of `run_fleet` beside its functions.
pub(super) struct Fleet<'a> {
    pub(super) plane: &'a ControlPlane,
    pub(super) tenants: Vec<Tenant>,
    pub(super) act: Act,
    pub(super) actor: &'a Actor,
    pub(super) jobs: usize,
    pub(super) is_dry_run: bool,
    pub(super) selector: &'a Selector,
}

/// How one tenant's turn ended, and the version it is at.
pub(super) type Turn = Result<(TenantVerdict, Option<SchemaVersion>), MigrationError>;

/// Gives every tenant its turn: `decide` returns a verdict for those that need no connection, `act`
/// opens the others. The audit trail gets one entry for all of them.
pub(super) async fn run_fleet<D, A, F>(
    mut fleet: Fleet<'_>,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
    decide: D,
    act: A,
) -> Result<FleetReport, MigrationError>
where
    D: Fn(&Tenant) -> Option<TenantVerdict>,
    A: Fn(Tenant) -> F,
    F: Future<Output = Turn>,
{
    let started = Instant::now();
    let mut results = Vec::with_capacity(fleet.tenants.len());
    let mut to_open = Vec::new();
    let total = fleet.tenants.len();
    for tenant in std::mem::take(&mut fleet.tenants) {
        match decide(&tenant) {
            Some(verdict) => results.push(decided(&tenant, verdict)),
            None => to_open.push(tenant),
        }
    }
    on_event(FleetEvent::Planned { tenants: total, to_open: to_open.len() });
    for result in &results {
        on_event(FleetEvent::Finished(result.clone()));
    }
    let is_writing = !to_open.is_empty() && !fleet.is_dry_run;
    let entry = if is_writing { Some(intend(&fleet, &to_open).await?) } else { None };
    let patience = fleet.plane.patience();
    let (under_way, finishing) = (Cell::new(0), interrupt.finishes(those_that_run(0)));
    let mut turns = stream::iter(to_open)
        .map(async |tenant: Tenant| {
            let names = TenantNames::from(&tenant);
            let recorded = tenant.schema.as_ref().and_then(|schema| schema.version);
            if interrupt.is_raised() || patience.left().is_some_and(|left| left.is_zero()) {
                let (verdict, elapsed) = (TenantVerdict::NotBegun, Duration::ZERO);
                return TenantResult { tenant: names, verdict, version: recorded, elapsed };
            }
            on_event(FleetEvent::Started(names.clone()));
            under_way.set(under_way.get() + 1);
            finishing.now(those_that_run(under_way.get()));
            let began = Instant::now();
            let turn = within_limit(fleet.plane, &tenant, act(tenant.clone())).await;
            let (verdict, version) = turn.unwrap_or_else(|error| {
                (TenantVerdict::Failed(Cause::of(&error, &tenant)), recorded)
            });
            under_way.set(under_way.get() - 1);
            finishing.now(those_that_run(under_way.get()));
            TenantResult { tenant: names, verdict, version, elapsed: began.elapsed() }
        })
        .buffer_unordered(fleet.jobs.max(1));
    while let Some(result) = turns.next().await {
        if result.verdict != TenantVerdict::NotBegun {
            on_event(FleetEvent::Finished(result.clone()));
        }
        results.push(result);
    }
    drop(turns);
    let demanded = demanded_of(&results, fleet.selector);
    let is_unfinished = results.iter().any(|result| result.verdict == TenantVerdict::NotBegun);
    results.sort_by(|a, b| a.tenant.slug.cmp(&b.tenant.slug));
    let report = FleetReport {
        results,
        is_dry_run: fleet.is_dry_run,
        is_interrupted: is_unfinished && interrupt.is_raised(),
        demanded,
        elapsed: started.elapsed(),
        run: None,
    };
    if let Some(entry) = entry {
        record(&fleet, &report, entry).await?;
    }
    Ok(report)
}

/// Returns the tenants whose skipping is a failure.
pub(super) fn demanded_of(results: &[TenantResult], selector: &Selector) -> BTreeSet<Slug> {
    let demanded = results.iter().filter(|result| selector.demands(&result.tenant));
    demanded.map(|result| result.tenant.slug.clone()).collect()
}

/// Returns the result of a tenant that needs no connection.
pub(super) fn decided(tenant: &Tenant, verdict: TenantVerdict) -> TenantResult {
    let version = tenant.schema.as_ref().and_then(|schema| schema.version);
    TenantResult { tenant: TenantNames::from(tenant), verdict, version, elapsed: Duration::ZERO }
}

/// Bounds a tenant's turn, and says of one that failed who was in its way.
pub(super) async fn within_limit<T>(
    plane: &ControlPlane,
    tenant: &Tenant,
    turn: impl Future<Output = Result<T, MigrationError>>,
) -> Result<T, MigrationError> {
    let patience = plane.patience();
    let limit = patience.bound(TENANT_DEADLINE);
    // What a dropped future was doing goes on in the server until it sees the client gone
    // (`client_connection_check_interval`, set when the session is opened).
    let turn = tokio::time::timeout(limit, turn).await;
    let turn = turn.unwrap_or_else(|_late| {
        Err(MigrationError::TimedOut(patience.left().map_or(limit, |_| patience.length())))
    });
    match turn {
        Ok(done) => Ok(done),
        Err(error) => Err(with_reason(plane, tenant, error).await),
    }
}

/// Returns what a signal lets come to its end.
pub(super) fn those_that_run(count: usize) -> String {
    match count {
        1 => "the one that runs".to_owned(),
        count => format!("the {count} that run"),
    }
}

/// Says of a failed turn who was in its way, where somebody was, and that another command has changed the tenant's state since, where one has:
/// its database closed, the sessions there ended.
async fn with_reason(
    plane: &ControlPlane,
    tenant: &Tenant,
    error: MigrationError,
) -> MigrationError {
    let database = tenant.database.as_ref().map(DatabaseName::as_str);
    let error = match plane.endpoint().waits().watched().blocker(database) {
        Some(by) if error.is_held_up() => MigrationError::HeldUp { by, source: Box::new(error) },
        _ => error,
    };
    // With no time left there is none to ask again, and with no connection free none to ask with.
    let is_full = error.refusal().sqlstate.as_deref() == Some("53300");
    if is_full || plane.patience().left().is_some_and(|left| left.is_zero()) {
        return error;
    }
    let now = async {
        let mut session = plane.session().await?;
        let now = control_plane::find_by_id(&mut session, tenant.id).await;
        // Where few connections are free, a tenant needs it.
        drop(session.close().await);
        now
    };
    match tokio::time::timeout(A_LOOK, now).await {
        Ok(Ok(Some(now))) if now.status != tenant.status => {
            MigrationError::Overtaken { status: now.status, source: Box::new(error) }
        }
        _ => error,
    }
}

/// Opens the audit entry; it is about the tenant when there is only one.
async fn intend(fleet: &Fleet<'_>, to_open: &[Tenant]) -> Result<OpenEntry, MigrationError> {
    let slugs: Vec<_> = to_open.iter().take(NAMED).map(|t| t.slug.to_string()).collect();
    let detail = serde_json::json!({ "tenants": to_open.len(), "first": slugs });
    let entry = Entry::new(fleet.act, fleet.actor);
    let entry = match to_open {
        [only] => entry.about(only),
        _ => entry,
    };
    Ok(entry.intent(&mut *fleet.plane.session().await?, detail).await?)
}

async fn record(
    fleet: &Fleet<'_>,
    report: &FleetReport,
    entry: OpenEntry,
) -> Result<(), MigrationError> {
    let is_failed = |verdict: &TenantVerdict| matches!(verdict, TenantVerdict::Failed(_));
    let is_done = |verdict: &TenantVerdict| matches!(verdict, TenantVerdict::Done(_));
    let failed = report.results.iter().filter(|r| is_failed(&r.verdict)).take(NAMED);
    let detail = serde_json::json!({
        "done": report.count(is_done),
        "failed": report.count(is_failed),
        "not_begun": report.count(|verdict| *verdict == TenantVerdict::NotBegun),
        "interrupted": report.is_interrupted,
        "first_failed": failed.map(|r| r.tenant.to_string()).collect::<Vec<_>>(),
    });
    let is_bad = report.count(is_failed) > 0 || report.is_interrupted;
    let outcome = if is_bad { AuditOutcome::Failed } else { AuditOutcome::Done };
    Ok(entry.end(&mut *fleet.plane.session().await?, outcome, detail).await?)
}

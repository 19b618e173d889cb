//! Makes a run, or finds the one to go on with.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::course;
use super::error::RunError;
use crate::adapters::control_plane::{
    self, ControlPlane, ControlPlaneError, NewLine, NewRun, Run, RunCounts, WhichRun,
};
use crate::adapters::postgres::PgError;
use crate::model::{
    Act, Actor, Canary, FailureLimit, Reason, RunId, RunState, SchemaVersion, Selector, Tenant,
    TenantRef, TenantStatus, hex, sha256,
};
use crate::services::audit::Entry;
use crate::services::migration::{Sets, up_to};

/// How many tenants an audit entry names.
pub(super) const NAMED: usize = 200;

/// What a run is asked for with.
#[derive(Debug)]
pub(in crate::services::fleet) struct Plan<'a> {
    pub(in crate::services::fleet) selector: &'a Selector,
    pub(in crate::services::fleet) sets: &'a Sets,
    pub(in crate::services::fleet) target: Option<SchemaVersion>,
    pub(in crate::services::fleet) seed_set: Option<&'a str>,
    pub(in crate::services::fleet) limits: &'a Limits,
    pub(in crate::services::fleet) actor: &'a Actor,
    pub(in crate::services::fleet) reason: Option<&'a Reason>,
}

/// What stops a run before its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    /// Who goes first and must be clean.
    pub canary: Option<Canary>,
    /// How many may fail; any number without one.
    pub max_failures: Option<FailureLimit>,
}

/// Returns the run of these tenants: a new one, or the open one that was asked for with the same
/// words, and whether it is that.
pub(in crate::services::fleet) async fn make_or_join(
    plane: &ControlPlane,
    plan: &Plan<'_>,
    tenants: &[Tenant],
) -> Result<(Run, bool), RunError> {
    let key = key_of(plan);
    let operation_id = Uuid::now_v7();
    loop {
        let mut transaction = plane.begin().await?;
        let alike = control_plane::find_run(&mut transaction, WhichRun::Alike(&key), true).await?;
        if let Some(run) = alike {
            let run = match run.state {
                // What the same command says again is meant.
                RunState::Paused => reopen(&mut transaction, run, true, plan.actor).await?,
                _ => run,
            };
            transaction.commit().await.map_err(committing)?;
            return Ok((run, true));
        }
        let new = NewRun {
            migrations: &up_to(&plan.sets.domain.records(), plan.target),
            fingerprint: &plan.sets.state_at(plan.target).fingerprint,
            target: plan.target,
            seed_set: plan.seed_set,
            selector: selector_json(plan.selector),
            canary: plan.limits.canary.as_ref().map(ToString::to_string),
            max_failures: plan.limits.max_failures.map(|limit| limit.to_string()),
            failure_limit: plan.limits.max_failures.map(|limit| limit.of(tenants.len())),
            plan_key: &key,
            actor: plan.actor,
            reason: plan.reason,
            operation_id,
        };
        // Another process may have made it in this moment.
        let Some(id) = control_plane::create_run(&mut transaction, &new).await? else { continue };
        control_plane::add_lines(&mut transaction, id, &lines(plan.limits, tenants)).await?;
        let slugs: Vec<_> = tenants.iter().take(NAMED).map(|it| it.slug.to_string()).collect();
        let detail = serde_json::json!({ "run": id.0, "tenants": tenants.len(), "first": slugs });
        let mut entry = entry_of(id, operation_id, plan.actor);
        if let Some(reason) = plan.reason {
            entry = entry.because(reason);
        }
        let _intent = entry.intent(&mut transaction, detail).await?;
        transaction.commit().await.map_err(committing)?;
        let run = find(plane, WhichRun::Number(id)).await?;
        return Ok((run.ok_or(RunError::NoSuchRun(id))?, false));
    }
}

/// Returns whether a run that was asked for with the same words is open.
pub(in crate::services::fleet) async fn is_open(
    plane: &ControlPlane,
    plan: &Plan<'_>,
) -> Result<bool, RunError> {
    Ok(find(plane, WhichRun::Alike(&key_of(plan))).await?.is_some())
}

/// Which run is to be gone on with, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::services::fleet) struct Resumed {
    /// The newest that fits where none is named.
    pub(in crate::services::fleet) named: Option<RunId>,
    pub(in crate::services::fleet) is_for_failed: bool,
    pub(in crate::services::fleet) is_dry_run: bool,
}

/// Returns the run to take part in, after checking that what is here is what it was planned with.
pub(in crate::services::fleet) async fn resume(
    plane: &ControlPlane,
    Resumed { named, is_for_failed, is_dry_run }: Resumed,
    actor: &Actor,
    check: impl FnOnce(&Run) -> Result<(), RunError>,
) -> Result<Run, RunError> {
    let which = match named {
        Some(id) => WhichRun::Number(id),
        None if is_for_failed => WhichRun::NewestToRetry,
        None => WhichRun::NewestOpen,
    };
    let mut transaction = plane.begin().await?;
    let found = control_plane::find_run(&mut transaction, which, true).await?;
    let run = found.ok_or(named.map_or(RunError::NoneOpen, RunError::NoSuchRun))?;
    if run.state == RunState::Cancelled {
        let state = run.state;
        return Err(RunError::WrongState { act: "resume", run: run.id, state });
    }
    check(&run)?;
    if is_dry_run {
        return Ok(run);
    }
    let run = if is_for_failed || run.state == RunState::Paused {
        reopen(&mut transaction, run, is_for_failed, actor).await?
    } else {
        run
    };
    transaction.commit().await.map_err(committing)?;
    Ok(run)
}

/// Lets a run go on that is paused, or over with failures that are to be tried again.
async fn reopen(
    connection: &mut PgConnection,
    run: Run,
    is_for_failed: bool,
    actor: &Actor,
) -> Result<Run, RunError> {
    let again =
        if is_for_failed { control_plane::retry_failed(connection, run.id).await? } else { 0 };
    let is_over = run.state.is_over();
    if is_over && again == 0 {
        return Ok(run);
    }
    let detail = serde_json::json!({
        "run": run.id.0, "again": again, "was": run.state.word(), "why": run.state_reason,
    });
    let entry = Entry::new(Act::ResumeRun, actor).on(None, target(run.id));
    let entry = entry.intent(connection, detail.clone()).await?;
    entry.done(connection, detail.clone()).await?;
    let operation_id = if is_over { Uuid::now_v7() } else { run.operation_id };
    control_plane::forgive(connection, run.id, operation_id).await?;
    if is_over {
        let _intent = entry_of(run.id, operation_id, actor).intent(connection, detail).await?;
    }
    let counts: RunCounts = control_plane::count_run(connection, run.id).await?;
    if run.state == RunState::Paused || is_over {
        let state = course::beginning(&counts);
        control_plane::set_run_state(connection, run.id, state, None).await?;
    }
    let found = control_plane::find_run(connection, WhichRun::Number(run.id), false).await?;
    found.ok_or(RunError::NoSuchRun(run.id))
}

/// Returns a run.
pub(super) async fn find(
    plane: &ControlPlane,
    which: WhichRun<'_>,
) -> Result<Option<Run>, ControlPlaneError> {
    control_plane::find_run(&mut *plane.session().await?, which, false).await
}

/// How many tenants are looked at for what a run's migrations need.
const LOOKED_AT: i64 = 500;

/// Returns some of the tenants whose turn is still to come.
pub(in crate::services::fleet) async fn some_open(
    plane: &ControlPlane,
    id: RunId,
) -> Result<Vec<Tenant>, RunError> {
    let mut session = plane.session().await?;
    Ok(control_plane::some_open_tenants(&mut session, id, LOOKED_AT).await?)
}

/// Returns the run's entry in the audit trail.
pub(super) fn entry_of(id: RunId, operation_id: Uuid, actor: &Actor) -> Entry {
    Entry::new(Act::Migrate, actor).on(None, target(id)).of_operation(operation_id)
}

/// Returns what the audit trail calls a run.
pub(super) fn target(id: RunId) -> String {
    format!("run {id}")
}

pub(super) fn committing(error: sqlx::Error) -> ControlPlaneError {
    PgError::doing("record where the run stands")(error).into()
}

/// Returns the lines of the tenants: canaries first, each wave by slug.
fn lines(limits: &Limits, tenants: &[Tenant]) -> Vec<NewLine> {
    let is_canary = |(index, tenant): (usize, &Tenant)| match &limits.canary {
        None => false,
        Some(Canary::First(number)) => u32::try_from(index).is_ok_and(|index| index < *number),
        Some(Canary::Label(label)) => tenant.labels.get(&label.key) == Some(&label.value),
    };
    let line = |(index, tenant): (usize, &Tenant)| NewLine {
        tenant_id: tenant.id,
        is_canary: is_canary((index, tenant)),
        from: tenant.schema.as_ref().and_then(|schema| schema.version),
    };
    tenants.iter().enumerate().map(line).collect()
}

/// Returns a hash of what was asked for.
fn key_of(plan: &Plan<'_>) -> String {
    let Limits { canary, max_failures } = plan.limits;
    let asked = serde_json::json!({
        "fingerprint": plan.sets.state_at(plan.target).fingerprint,
        "target": plan.target.map(|version| version.0),
        "seed_set": plan.seed_set,
        "selector": selector_json(plan.selector),
        "canary": canary.as_ref().map(ToString::to_string),
        "max_failures": max_failures.map(|limit| limit.to_string()),
    });
    hex(&sha256(asked.to_string().as_bytes()))
}

fn selector_json(selector: &Selector) -> serde_json::Value {
    let Selector { tenants, all, labels, status, locked, exclude, .. } = selector;
    let named = |refs: &[TenantRef]| refs.iter().map(ToString::to_string).collect::<Vec<_>>();
    serde_json::json!({
        "tenants": named(tenants),
        "all": all,
        "labels": labels.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "status": status.map(TenantStatus::word),
        "locked": locked,
        "exclude": named(exclude),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_with_other_words_is_another_run() {
        let (sets, actor) = (Sets::load(None).unwrap(), "tester".parse().unwrap());
        let key = |all: bool, max_failures: Option<FailureLimit>| {
            let selector = Selector { all, ..Selector::default() };
            let limits = Limits { canary: None, max_failures };
            let plan = Plan {
                selector: &selector,
                sets: &sets,
                target: None,
                seed_set: None,
                limits: &limits,
                actor: &actor,
                reason: None,
            };
            key_of(&plan)
        };
        assert_eq!(key(true, None), key(true, None));
        assert_ne!(key(true, None), key(false, None));
        assert_ne!(key(true, None), key(true, Some(FailureLimit::Tenants(1))));
    }
}

//! How a turn ended, as a line of the run keeps it, and back.

use std::time::Duration;

use super::pressure::want_of_room;
use crate::adapters::control_plane::{LeasedLine, Line, Step, Told};
use crate::model::{ErrorKind, LineState, Refusal, SchemaState, TenantNames};
use crate::services::fleet::cause::Cause;
use crate::services::fleet::report::{TenantResult, TenantVerdict};
use crate::services::fleet::turn::Turned;

/// How a line goes on after a turn.
pub(super) struct Ended {
    pub(super) told: Told,
    pub(super) tenant: TenantNames,
    /// Nothing where it goes back to the queue.
    pub(super) result: Option<TenantResult>,
    /// What its turn was held up by.
    pub(super) held_up: Option<&'static str>,
}

/// Returns how a line goes on after a turn that was taken.
pub(super) fn after_turn(line: &LeasedLine, turned: Turned, elapsed: Duration) -> Ended {
    let Turned { end, schema } = turned;
    let error = match end {
        Ok(applied) => {
            // An earlier turn of this run may have been cut off behind its last commit.
            let at = schema.as_ref().and_then(|schema| schema.version);
            let is_done = !applied.is_empty() || line.lease > 1 && at > line.from;
            let verdict =
                if is_done { TenantVerdict::Done(applied) } else { TenantVerdict::Unchanged };
            return ended(line, verdict, schema, elapsed);
        }
        Err(error) => error,
    };
    let hold = want_of_room(&error);
    let delay = hold.and_then(|hold| hold.delay(line.attempts));
    let is_alarming = error.is_alarming();
    let cause = Cause { is_alarming, ..Cause::of(&error, &line.tenant) };
    let mut ended = ended(line, TenantVerdict::Failed(cause), schema, elapsed);
    ended.held_up = hold.map(|hold| hold.why);
    if let Some(delay) = delay {
        ended.told.state = LineState::Pending;
        ended.told.delay_ms = millis(delay);
        ended.result = None;
    }
    ended
}

/// Returns how a line goes on that needs no turn.
pub(super) fn without_turn(line: &LeasedLine, verdict: TenantVerdict) -> Ended {
    ended(line, verdict, None, Duration::ZERO)
}

fn ended(
    line: &LeasedLine,
    verdict: TenantVerdict,
    schema: Option<SchemaState>,
    elapsed: Duration,
) -> Ended {
    let (state, cause) = match &verdict {
        TenantVerdict::Done(_) => (LineState::Done, None),
        TenantVerdict::Skipped(reason) => {
            (LineState::Skipped, Some(serde_json::json!({ "reason": reason })))
        }
        TenantVerdict::Failed(cause) => (LineState::Failed, Some(cause_json(cause))),
        TenantVerdict::Unchanged | TenantVerdict::Planned(_) | TenantVerdict::NotBegun => {
            (LineState::Unchanged, None)
        }
    };
    let steps = match &verdict {
        TenantVerdict::Done(applied) => applied.clone(),
        _ => Vec::new(),
    };
    let recorded = line.tenant.schema.as_ref();
    let version = schema.as_ref().or(recorded).and_then(|schema| schema.version);
    let told = Told {
        tenant_id: line.tenant.id,
        lease: line.lease,
        state,
        delay_ms: 0,
        version,
        schema,
        cause,
        steps: steps.into_iter().map(|what| Step { what, elapsed_ms: None }).collect(),
        elapsed_ms: millis(elapsed),
        lock_wait_ms: None,
    };
    let tenant = TenantNames::from(&line.tenant);
    let result = TenantResult { tenant: tenant.clone(), verdict, version, elapsed };
    Ended { told, tenant, result: Some(result), held_up: None }
}

/// Returns a line of a run as a result of a command.
pub(super) fn result_of(line: &Line) -> TenantResult {
    let applied = || line.steps.iter().map(|step| step.what.clone()).collect();
    let verdict = match line.state {
        LineState::Pending | LineState::Leased => TenantVerdict::NotBegun,
        LineState::Done => TenantVerdict::Done(applied()),
        LineState::Unchanged => TenantVerdict::Unchanged,
        LineState::Skipped => TenantVerdict::Skipped(reason_of(line)),
        LineState::Failed => TenantVerdict::Failed(cause_of(line)),
    };
    let elapsed = line.elapsed_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    TenantResult {
        tenant: TenantNames { id: line.tenant_id, slug: line.slug.clone() },
        verdict,
        version: line.to.or(line.from),
        elapsed: Duration::from_millis(elapsed),
    }
}

/// Returns the same for who leaves the run: a tenant whose turn was held up has one to come, and is no
/// tenant that nobody began with.
pub(super) fn result_on_leaving(line: &Line) -> TenantResult {
    let mut result = result_of(line);
    if line.state == LineState::Pending && line.cause.is_some() {
        result.verdict = TenantVerdict::Failed(cause_of(line));
    }
    result
}

fn reason_of(line: &Line) -> String {
    let reason = line.cause.as_ref().and_then(|cause| cause["reason"].as_str());
    reason.unwrap_or("it is not active").to_owned()
}

fn cause_json(cause: &Cause) -> serde_json::Value {
    let Cause { kind, refusal, chain, hint, common, is_alarming } = cause;
    serde_json::json!({
        "kind": kind.word(),
        "sqlstate": refusal.sqlstate,
        "migration": refusal.migration,
        "chain": chain,
        "hint": hint,
        "common": common,
        "alarming": is_alarming,
    })
}

fn cause_of(line: &Line) -> Cause {
    let empty = serde_json::Value::Null;
    let cause = line.cause.as_ref().unwrap_or(&empty);
    let text = |field: &str| cause[field].as_str().map(str::to_owned);
    let kind = ErrorKind::ALL.into_iter().find(|kind| Some(kind.word()) == cause["kind"].as_str());
    let chain = cause["chain"].as_array().into_iter().flatten();
    Cause {
        kind: kind.unwrap_or(ErrorKind::Internal),
        refusal: Refusal { sqlstate: text("sqlstate"), migration: text("migration") },
        chain: chain.filter_map(|part| part.as_str().map(str::to_owned)).collect(),
        hint: text("hint"),
        common: text("common").unwrap_or_default(),
        is_alarming: cause["alarming"].as_bool().unwrap_or(false),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

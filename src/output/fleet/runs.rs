//! Runs of fleet migrations: a list of them, one of them, and what was done to one from outside.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::OffsetDateTime;

use super::results::{by_cause, result_json, results_of, summary_json};
use crate::model::{RunState, instant, instant_ms};
use crate::output::line::{Line, bad, behind, good};
use crate::output::text::{Facts, Table, Text};
use crate::output::view::View;
use crate::output::words::count;
use crate::services::fleet::{ChangeReport, FleetReport, RunReport, RunStanding};

/// Renders the newest runs.
pub(crate) fn render_runs(runs: &[RunStanding]) -> View {
    let rows = runs.iter().map(|standing| {
        let run = &standing.run;
        let applied = run.migrations.last().map(ToString::to_string).unwrap_or_default();
        [
            Line::from(run.id),
            state_line(run.state),
            Line::from(format_args!("{} of {}", done(standing), standing.counts.all())),
            if standing.counts.failed > 0 { bad(standing.counts.failed) } else { "0".into() },
            Line::from(applied),
            Line::from(&run.actor),
            Line::from(instant(run.created_at)),
        ]
    });
    let headings = ["RUN", "STATE", "DONE", "FAILED", "UP TO", "BY", "CREATED"];
    let table = Table::new(headings, rows).dropping(&["BY", "UP TO"]);
    let text = if table.is_empty() { Text::from("No run was made yet.") } else { table.into() };
    View::list(("runs", "run"), runs.iter().map(run_json).collect(), text)
}

/// Renders a run and where each of its tenants stands.
pub(crate) fn render_run(report: &RunReport) -> View {
    let standing = &report.standing;
    let ended = standing.run.finished_at.unwrap_or(standing.looked_at);
    let began = standing.run.started_at.unwrap_or(ended);
    let fleet = FleetReport {
        results: report.results.clone(),
        is_dry_run: false,
        is_interrupted: false,
        demanded: BTreeSet::new(),
        elapsed: (ended - began).try_into().unwrap_or_default(),
        run: Some(standing.clone()),
    };
    let text = Text::from(facts(standing)).blank().and(results_of(&fleet));
    let values = report.results.iter().map(result_json).collect();
    let view = View::list(("results", "result"), values, text)
        .with("run", run_json(standing))
        .with("summary", summary_json(&fleet))
        .with("failures", by_cause(&fleet));
    with_next(view, standing)
}

/// Renders what an operator did to a run.
pub(crate) fn render_run_change(report: &ChangeReport) -> View {
    let ChangeReport { standing, is_changed, is_dry_run } = report;
    let run = &standing.run;
    if *is_dry_run {
        let text = if *is_changed {
            let (left, open) = (standing.counts.leased, left_of(standing.counts.pending));
            format!("{left} tenants would be finished, and {} not begun.", count(open))
        } else {
            "Nothing to do.".to_owned()
        };
        let view = View::item("run", run_json(standing), text);
        return view.with("changed", json!(is_changed)).into_plan();
    }
    let was = if *is_changed { "" } else { " already" };
    let text = Line::from(format_args!("Run {} is{was} ", run.id)).and(state_line(run.state));
    let left = standing.counts.leased;
    let text = if left > 0 {
        text.and(format_args!("; {} that run are finished first", count(left_of(left))))
    } else {
        text
    };
    let view = View::item("run", run_json(standing), text).with("changed", json!(is_changed));
    with_next(view, standing)
}

/// Returns a run as JSON has it.
pub(super) fn run_json(standing: &RunStanding) -> Value {
    let RunStanding { run, counts, workers, .. } = standing;
    let at = |instant: Option<OffsetDateTime>| instant.map(instant_ms);
    let workers = workers
        .iter()
        .map(|it| json!({ "holder": it.holder, "jobs": it.jobs, "leased": it.leased }));
    json!({
        "id": run.id.0,
        "state": run.state.word(),
        "state_reason": run.state_reason,
        "state_by": run.state_by,
        "migrations": run.migrations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "fingerprint": run.fingerprint,
        "target": run.target.map(|version| version.0),
        "seed_set": run.seed_set,
        "selector": run.selector,
        "canary": run.canary,
        "max_failures": run.max_failures,
        "actor": run.actor,
        "reason": run.reason,
        "created_at": instant_ms(run.created_at),
        "started_at": at(run.started_at),
        "finished_at": at(run.finished_at),
        "tenants": {
            "count": counts.all(), "pending": counts.pending, "leased": counts.leased,
            "done": counts.done, "unchanged": counts.unchanged, "skipped": counts.skipped,
            "failed": counts.failed,
        },
        "workers": workers.collect::<Vec<_>>(),
    })
}

/// Adds what may be done with a run from here.
pub(super) fn with_next(view: View, standing: &RunStanding) -> View {
    let next = next(standing);
    if next.is_empty() { view } else { view.next(next) }
}

fn next(standing: &RunStanding) -> Vec<String> {
    let id = standing.run.id;
    let resume = format!("tenantctl migrate resume {id}");
    let again = format!("tenantctl migrate resume {id} --failed");
    match standing.run.state {
        RunState::Planned | RunState::Canary | RunState::Rolling => {
            vec![resume, format!("tenantctl migrate runs watch {id}")]
        }
        RunState::Paused if standing.counts.failed > 0 => {
            vec![again, resume, format!("tenantctl migrate runs cancel {id} --reason '…'")]
        }
        RunState::Paused => {
            vec![resume, format!("tenantctl migrate runs cancel {id} --reason '…'")]
        }
        RunState::CompletedWithFailures => vec![again],
        RunState::Completed | RunState::Cancelled => Vec::new(),
    }
}

/// Returns where a run stands, in one line.
pub(super) fn standing_line(standing: &RunStanding) -> Line {
    let run = &standing.run;
    let line = Line::from(format_args!("run {} is ", run.id)).and(state_line(run.state));
    match &run.state_reason {
        Some(why) => line.and(format_args!(": {why}")),
        None => line,
    }
}

fn facts(standing: &RunStanding) -> Facts {
    let run = &standing.run;
    let state = match (&run.state_reason, &run.state_by) {
        (Some(why), Some(by)) => state_line(run.state).and(format_args!(": {why} (by {by})")),
        _ => state_line(run.state),
    };
    let names: Vec<_> = run.migrations.iter().map(ToString::to_string).collect();
    let up_to = names.last().map(|last| format!("{} migrations, up to {last}", names.len()));
    let workers: Vec<_> = standing
        .workers
        .iter()
        .map(|it| format!("{} with {} jobs, {} tenants at hand", it.holder, it.jobs, it.leased))
        .collect();
    Facts::new()
        .fact("run", run.id)
        .fact("state", state)
        .some("applies", up_to)
        .some("seed set", run.seed_set.as_ref())
        .some("canary", run.canary.as_ref())
        .some("may fail", run.max_failures.as_ref())
        .fact("asked by", &run.actor)
        .some("because", run.reason.as_ref())
        .fact("created", instant(run.created_at))
        .some("finished", run.finished_at.map(instant))
        .some("at work", (!workers.is_empty()).then(|| workers.join("; ")))
}

fn state_line(state: RunState) -> Line {
    let word = state.word().replace('_', " ");
    match state {
        RunState::Completed => good(word),
        RunState::CompletedWithFailures | RunState::Cancelled => bad(word),
        RunState::Paused => behind(word),
        RunState::Planned | RunState::Canary | RunState::Rolling => word.into(),
    }
}

fn done(standing: &RunStanding) -> i64 {
    standing.counts.done + standing.counts.unchanged + standing.counts.skipped
}

fn left_of(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

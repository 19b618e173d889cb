//! What a fleet command did, tenant by tenant, and where its run stands.

use std::collections::BTreeSet;

use serde_json::json;

use super::results::{by_cause, result_json, results_of, summary_json};
use super::runs::{run_json, standing_line, with_next};
use crate::model::RunState;
use crate::output::line::{hint, warning};
use crate::output::view::View;
use crate::services::fleet::{FleetReport, TenantResult, TenantVerdict};

pub(crate) fn render_fleet(report: &FleetReport) -> View {
    let values = report.results.iter().map(result_json).collect();
    let mut view = View::list(("results", "result"), values, results_of(report))
        .with("dry_run", json!(report.is_dry_run))
        .with("interrupted", json!(report.is_interrupted))
        .with("summary", summary_json(report))
        .with("failures", by_cause(report))
        .took(report.elapsed);
    if let Some(standing) = &report.run {
        view = view.with("run", run_json(standing));
    }
    for what in hints(report) {
        view = view.note(hint(what));
    }
    let Some(standing) = &report.run else {
        return if report.is_interrupted {
            view.note("Interrupted; run the same command again: it does what is left.")
        } else {
            view
        };
    };
    if standing.refused > 0 {
        view = view.note(warning(format_args!(
            "{} results of this process were not taken: it was away for too long, and others had \
             those tenants by then",
            standing.refused
        )));
    }
    match standing.run.state {
        RunState::Completed => view,
        _ if report.is_interrupted => {
            let resume = format!("tenantctl migrate resume {}", standing.run.id);
            view.note("Interrupted; what is done is saved.").next([resume])
        }
        _ => with_next(view.note(standing_line(standing)), standing),
    }
}

/// Returns the hints of the failures, each once.
fn hints(report: &FleetReport) -> BTreeSet<String> {
    let hint = |result: &TenantResult| match &result.verdict {
        TenantVerdict::Failed(cause) => cause.hint.clone(),
        _ => None,
    };
    report.results.iter().filter_map(hint).collect()
}

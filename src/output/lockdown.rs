//! A lockdown, as the person on call reads it: what was cut, when, and what was tried.

use serde_json::{Value, json};

use super::console::Console;
use super::json::tenant_json;
use super::table::{self, Cell};
use super::view::View;
use super::words::{millis, seconds};
use crate::model::redact;
use crate::services::lockdown::{
    LayerReport, LockdownReport, ProbeReport, ProbeVerdict, UnlockReport,
};

/// Renders a lockdown.
pub fn render_lockdown(console: &Console, report: &LockdownReport) -> View {
    let probes = report.probes.iter().map(|probe| probe_row(console, probe)).collect();
    let is_proven = report.ending().is_none();
    let verdict = if is_proven {
        console.good("locked down, and proved")
    } else {
        console.bad("locked down, but not proved")
    };
    let text = format!(
        "`{}` is {verdict}.\n\n{}\n\n{}",
        report.tenant.slug,
        layer_table(console, &report.layers),
        table::table(console, &["PROBE", "RESULT", "AFTER", "DETAIL"], probes)
    );
    let view = View::item("tenant", tenant_json(&report.tenant), text)
        .with("proven", json!(is_proven))
        .with("layers", report.layers.iter().map(layer_json).collect())
        .with("probes", report.probes.iter().map(probe_json).collect())
        .took(report.elapsed);
    let slug = &report.tenant.slug;
    let again = "run it again until it is proved; it continues what is left";
    let view = if is_proven { view } else { view.note(format!("\nNot proved: {again}.")) };
    view.note(
        "\nNot reached by any of this: access tokens at verifiers that ask nobody (until they \
         expire), Storage's signed URLs, and a project's own secret keys.",
    )
    .note(format!("\nNext:\n  tenantctl unlock {slug} --reason '…'"))
}

/// Renders an unlock.
pub fn render_unlock(console: &Console, report: &UnlockReport) -> View {
    let text = if report.was_locked {
        let word = if report.ending().is_none() { "unlocked" } else { "still locked" };
        let layers = layer_table(console, &report.layers);
        format!("`{}` is {word}.\n\n{layers}", report.tenant.slug)
    } else {
        format!("`{}` was not locked.", report.tenant.slug)
    };
    View::item("tenant", tenant_json(&report.tenant), text)
        .with("changed", json!(report.was_locked))
        .with("layers", report.layers.iter().map(layer_json).collect())
        .took(report.elapsed)
}

fn layer_table(console: &Console, layers: &[LayerReport]) -> String {
    let rows = layers
        .iter()
        .map(|layer| {
            let word = layer.verdict.word();
            let word =
                if layer.has_failed() { Cell::bad(console, word) } else { word.to_owned().into() };
            let (at, detail) = (seconds(layer.at), redact(&layer.detail));
            vec![layer.layer.to_owned().into(), word, at.into(), detail.into()]
        })
        .collect();
    table::table(console, &["LAYER", "RESULT", "AFTER", "DETAIL"], rows)
}

fn probe_row(console: &Console, probe: &ProbeReport) -> Vec<Cell> {
    let word = match probe.verdict {
        ProbeVerdict::Refused => Cell::good(console, "refused"),
        ProbeVerdict::GotIn => Cell::bad(console, "GOT IN"),
        ProbeVerdict::CouldNotRun(_) => Cell::bad(console, "could not run"),
    };
    let (at, detail) = (seconds(probe.at), redact(&probe.detail));
    vec![probe.probe.to_owned().into(), word, at.into(), detail.into()]
}

fn layer_json(layer: &LayerReport) -> Value {
    json!({
        "layer": layer.layer,
        "result": layer.verdict.word(),
        "detail": redact(&layer.detail),
        "elapsed_ms": millis(layer.elapsed),
        "denied_after_ms": millis(layer.at),
    })
}

fn probe_json(probe: &ProbeReport) -> Value {
    let word = match probe.verdict {
        ProbeVerdict::Refused => "refused",
        ProbeVerdict::GotIn => "got_in",
        ProbeVerdict::CouldNotRun(_) => "could_not_run",
    };
    json!({
        "probe": probe.probe,
        "result": word,
        "detail": redact(&probe.detail),
        "denied_after_ms": millis(probe.at),
    })
}

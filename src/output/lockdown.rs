//! A lockdown, as the person on call reads it: what was cut, when, and what was tried.

use serde_json::{Value, json};

use super::json::{id_and_slug, tenant_json};
use super::line::{Line, bad, good};
use super::steps::step_list;
use super::text::{Facts, Table, Text};
use super::view::View;
use super::words::{millis, shown};
use crate::services::lockdown::{
    Hole, LayerReport, LockdownPlan, LockdownReport, Overtaken, ProbeReport, ProbeVerdict, StandIn,
    UnlockReport,
};

/// Renders what a lockdown or an unlock would do.
pub(crate) fn render_lockdown_plan(plan: &LockdownPlan) -> View {
    let tenant = &plan.tenant;
    let is_locked = tenant.is_locked();
    let facts = Facts::new()
        .fact("tenant", &tenant.slug)
        .fact("id", tenant.id)
        .fact("status", tenant.status.word())
        .fact("locked", if is_locked { "yes" } else { "no" })
        .fact("sessions", format_args!("{} recorded and valid", plan.sessions));
    let text = if plan.layers.is_empty() {
        Text::from(facts).blank().line("Nothing to do: it is not locked down.")
    } else {
        Text::from(facts).blank().and(step_list(&plan.layers))
    };
    View::item("plan", plan_json(plan), text).with("dry_run", json!(true))
}

pub(super) fn plan_json(plan: &LockdownPlan) -> Value {
    json!({
        "act": plan.act.word(),
        "tenant": id_and_slug(plan.tenant.id, &plan.tenant.slug),
        "status": plan.tenant.status.word(),
        "locked": plan.tenant.is_locked(),
        "sessions": plan.sessions,
        "layers": plan.layers.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
    })
}

/// Returns what is told of one lockdown of many.
pub(super) fn lockdown_json(report: &LockdownReport) -> Value {
    json!({
        "tenant": tenant_json(&report.tenant),
        "proven": report.ending().is_none(),
        "overtaken": overtaken_json(report.overtaken.as_ref()),
        "auth_proved_by": stand_in_json(report.stand_in()),
        "layers": report.layers.iter().map(layer_json).collect::<Vec<_>>(),
        "probes": report.probes.iter().map(probe_json).collect::<Vec<_>>(),
    })
}

/// Returns what is told of one unlock of many.
pub(super) fn unlock_json(report: &UnlockReport) -> Value {
    json!({
        "tenant": tenant_json(&report.tenant),
        "changed": report.was_locked,
        "overtaken": overtaken_json(report.overtaken.as_ref()),
        "layers": report.layers.iter().map(layer_json).collect::<Vec<_>>(),
    })
}

pub(crate) fn render_lockdown(report: &LockdownReport) -> View {
    let slug = &report.tenant.slug;
    let is_proven = report.ending().is_none();
    let verdict = match &report.overtaken {
        None if is_proven => good("locked down, and proved"),
        None if report.is_interrupted => bad("locked down, and nothing was tried: interrupted"),
        None if report.is_open() => bad("NOT locked down: a client still gets in"),
        None => bad("locked down, but not proved"),
        Some(_) => bad("not locked down by this"),
    };
    let why = report.overtaken.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let text = Text::from(Line::from(format_args!("`{slug}` is ")).and(verdict).and(why).and("."))
        .blank()
        .and(layer_table(&report.layers));
    let text =
        if report.probes.is_empty() { text } else { text.blank().and(probe_table(&report.probes)) };
    let view = View::item("tenant", tenant_json(&report.tenant), text)
        .with("proven", json!(is_proven))
        .with("interrupted", json!(report.is_interrupted))
        .with("overtaken", overtaken_json(report.overtaken.as_ref()))
        .with("auth_proved_by", stand_in_json(report.stand_in()))
        .with("layers", report.layers.iter().map(layer_json).collect())
        .with("probes", report.probes.iter().map(probe_json).collect())
        .took(report.elapsed);
    let again = [format!("tenantctl lockdown {slug} --reason '…'")];
    if report.overtaken.is_some() {
        return view.note(Text::new().blank().line("Run it again to lock it.")).next(again);
    }
    if report.is_interrupted {
        let left = "Not done: no session, no statement and no login was tried. The record says \
                    unproven; the same command does it all.";
        return view.note(Text::new().blank().line(left)).next(again);
    }
    let view = match report.stand_in() {
        None => view,
        Some(StandIn::Gate) => view.note(Text::new().blank().line(
            "Where there is an Auth that no layer covers, signing in there still works; what proves the \
             lockdown is the tenant's gate, which refused a token as that Auth issues it.",
        )),
        Some(StandIn::Nothing) => view.note(Text::new().blank().line(
            "Where there is an Auth that no layer covers, signing in there still works, and no gate was \
             seen to refuse its tokens: set TENANTCTL_AUTH_URL and TENANTCTL_AUTH_SERVICE_KEY, or let \
             the operator write its tables.",
        )),
    };
    let view = view.note(Text::new().blank().line(
        "Not reached by any of this: access tokens at verifiers that check no session (until they \
         expire), Storage's signed URLs, and a project's own secret keys.",
    ));
    if is_proven {
        return view.next([format!("tenantctl unlock {slug} --reason '…'")]);
    }
    let left = "What is locked stays locked, and the record says unproven. Mend what is named above, then \
                run the same command again: it does what is left and tries again.";
    view.note(Text::new().blank().line(left)).next(again)
}

pub(crate) fn render_unlock(report: &UnlockReport) -> View {
    let slug = &report.tenant.slug;
    let text = if report.was_locked {
        let word = match (report.ending(), &report.tenant.lock) {
            (None, _) => "unlocked",
            (Some(_), Some(_)) => "still locked",
            (Some(_), None) => "unlocked in part: run it again until all is given back",
        };
        let why = if report.is_interrupted { ": interrupted" } else { "" };
        let text = Text::from(format_args!("`{slug}` is {word}{why}."));
        text.blank().and(layer_table(&report.layers))
    } else {
        Text::from(format_args!("`{slug}` was not locked."))
    };
    let view = View::item("tenant", tenant_json(&report.tenant), text);
    let view = if report.is_interrupted {
        view.note("What the table does not name was not given back: the same command goes on.")
    } else {
        view
    };
    view.with("changed", json!(report.was_locked))
        .with("interrupted", json!(report.is_interrupted))
        .with("overtaken", overtaken_json(report.overtaken.as_ref()))
        .with("layers", report.layers.iter().map(layer_json).collect())
        .took(report.elapsed)
}

fn stand_in_json(stand_in: Option<StandIn>) -> Value {
    json!(stand_in.map(|stand_in| match stand_in {
        StandIn::Gate => "gate",
        StandIn::Nothing => "nothing",
    }))
}

fn overtaken_json(overtaken: Option<&Overtaken>) -> Value {
    json!(overtaken.map(ToString::to_string))
}

pub(super) fn layer_table(layers: &[LayerReport]) -> Table {
    let rows = layers.iter().map(|layer| {
        let word = layer.verdict.word();
        let word = if layer.has_failed() { bad(word) } else { word.into() };
        [layer.layer.into(), word, shown(layer.at).into(), (&layer.detail).into()]
    });
    Table::new(["LAYER", "OUTCOME", "AFTER", "DETAIL"], rows)
}

pub(super) fn probe_table(probes: &[ProbeReport]) -> Table {
    let rows = probes.iter().map(probe_row);
    Table::new(["PROBE", "OUTCOME", "AFTER", "DETAIL"], rows)
}

fn probe_row(probe: &ProbeReport) -> [Line; 4] {
    let word = match probe.verdict {
        ProbeVerdict::Refused => good("refused"),
        ProbeVerdict::GotIn => bad("GOT IN"),
        ProbeVerdict::CouldNotRun(_) => bad("could not run"),
    };
    [probe.probe.into(), word, shown(probe.at).into(), (&probe.detail).into()]
}

pub(super) fn layer_json(layer: &LayerReport) -> Value {
    json!({
        "layer": layer.layer,
        "outcome": layer.verdict.word(),
        "detail": layer.detail,
        "elapsed_ms": millis(layer.elapsed),
        "after_ms": millis(layer.at),
    })
}

pub(super) fn probe_json(probe: &ProbeReport) -> Value {
    let word = match probe.verdict {
        ProbeVerdict::Refused => "refused",
        ProbeVerdict::GotIn => "got_in",
        ProbeVerdict::CouldNotRun(_) => "could_not_run",
    };
    json!({
        "probe": probe.probe,
        "outcome": word,
        "detail": probe.detail,
        "holes": probe.holes.iter().map(hole_json).collect::<Vec<_>>(),
        "after_ms": millis(probe.at),
    })
}

fn hole_json(hole: &Hole) -> Value {
    json!({
        "role": hole.role,
        "on": hole.what,
        "commands": hole.commands,
        "why": hole.why,
    })
}

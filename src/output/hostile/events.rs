//! Events, as they are drawn while a command runs.

use std::time::{Duration, Instant};

use super::harness::{acme, foreign, shown_everywhere};
use crate::model::{ErrorKind, Refusal};
use crate::output::appearance::Format;
use crate::output::captured::captured;
use crate::output::progress::Progress;
use crate::services::fleet::{Cause, FleetEvent, TenantResult, TenantVerdict};
use crate::services::local::LocalEvent;
use crate::services::lockdown::{Counted, LayerReport, LayerVerdict, LockdownEvent};
use crate::services::saga::{StepEvent, StepProgress};

fn steps() -> Vec<StepEvent> {
    let elapsed = Duration::from_secs(2);
    [
        StepProgress::Started,
        StepProgress::Waiting { said: foreign(), elapsed },
        StepProgress::Finished { outcome: foreign(), was_there: true, elapsed },
        StepProgress::Finished { outcome: foreign(), was_there: false, elapsed },
        StepProgress::PutOff { said: foreign() },
        StepProgress::Failed,
    ]
    .map(|progress| StepEvent { step: "place", title: "make the database", progress })
    .into()
}

pub(super) fn layers() -> Vec<LayerReport> {
    let failed = LayerVerdict::Failed(vec![foreign()]);
    [
        LayerVerdict::Done,
        LayerVerdict::Unchanged,
        LayerVerdict::Absent,
        LayerVerdict::NotCovered,
        failed,
    ]
    .map(|verdict| LayerReport {
        layer: "gate",
        verdict,
        detail: foreign(),
        elapsed: Duration::from_millis(20),
        at: Duration::from_millis(30),
    })
    .into()
}

pub(super) fn tenant_results() -> Vec<TenantResult> {
    let lines = || vec![foreign(), foreign()];
    let failed = |hint| {
        let common = lines().join(": ");
        let some = || Some(foreign());
        let refusal = Refusal { sqlstate: some(), migration: some() };
        let kind = ErrorKind::Internal;
        TenantVerdict::Failed(Cause {
            kind,
            refusal,
            chain: lines(),
            hint,
            common,
            is_alarming: true,
        })
    };
    [
        TenantVerdict::Done(lines()),
        TenantVerdict::Unchanged,
        TenantVerdict::Planned(lines()),
        TenantVerdict::Skipped(foreign()),
        failed(Some(foreign())),
        failed(None),
    ]
    .map(|verdict| TenantResult {
        tenant: acme(),
        verdict,
        version: None,
        elapsed: Duration::from_secs(1),
    })
    .into()
}

fn local_events() -> Vec<LocalEvent> {
    vec![
        LocalEvent::Installing { command: foreign() },
        LocalEvent::Downloading { version: foreign() },
        LocalEvent::RemovingLeftover { directory: foreign().into() },
        LocalEvent::Initializing { version: foreign(), directory: foreign().into() },
        LocalEvent::StateReplaced { kept_as: Some(foreign().into()) },
    ]
}

#[test]
fn progress() {
    shown_everywhere("progress", |console| {
        // What is waited for is drawn at once: no test waits for the quiet beginning to be over.
        let progress = Progress::new(console);
        console.live().waits_for(Some((foreign(), Instant::now())));
        for event in steps() {
            progress.step(&event);
        }
        for layer in layers() {
            progress.lockdown(LockdownEvent::Layer(&layer));
        }
        progress.lockdown(LockdownEvent::Users(Counted {
            seen: 7,
            of: Some(9),
            ..Counted::default()
        }));
        progress.lockdown(LockdownEvent::Lifting { done: 3, of: 5 });
        progress.fleet(&FleetEvent::Planned { tenants: 6, to_open: 6 });
        for result in tenant_results() {
            progress.fleet(&FleetEvent::Finished(result));
        }
        for event in local_events() {
            progress.local(&event);
        }
    });
}

/// The assertions above would be worth nothing if nothing were drawn.
#[test]
fn what_was_planted_is_drawn() {
    let (console, _, stderr) = captured(Format::Table, true);
    let progress = Progress::new(&console);
    console.live().waits_for(Some((foreign(), Instant::now())));
    progress.step(&steps().remove(1));
    assert!(stderr.text().contains("postgres://op:****@db/x"), "{:?}", stderr.text());
    assert!(stderr.text().contains("make the database"), "{:?}", stderr.text());
    drop(progress);
}

//! Everything that can carry foreign text, through every way out: no secret and no control
//! character may reach any of them.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::appearance::Format;
use super::captured::captured;
use super::console::Console;
use super::failure::Failure;
use super::progress::Progress;
use super::spinner::Spinner;
use crate::model::{Classified, ErrorKind, Slug};
use crate::services::fleet::{FleetEvent, TenantResult, TenantVerdict};
use crate::services::local::LocalEvent;
use crate::services::lockdown::{LayerReport, LayerVerdict};
use crate::services::saga::{StepEvent, StepProgress};

/// Secrets of every kind that is known, a colour that we never use, a bell, a return to the line's
/// beginning, a line break, and marks that reverse the reading order.
pub(super) const FOREIGN: &str = "x postgres://op:hunter2@db/x\u{1b}[41mred\u{7}\r\nforged \u{202e}\u{9b}2J \
     eyJhbGci.eyJzdWIi.c2lnbmF0dXJl sbp_0123456789abcdef PASSWORD 'open sesame' \
     SCRAM-SHA-256$4096:c3RvcmVk \u{2066}end";

const SECRETS: [&str; 5] = ["hunter2", "c2lnbmF0", "0123456789", "sesame", "c3RvcmVk"];

const FORMATS: [Format; 3] = [Format::Table, Format::Json, Format::Ndjson];

/// Shows something in every format, at a terminal and in a pipe, and looks at what was written.
pub(super) fn shown_everywhere(what: &str, show: impl Fn(&Console)) {
    for format in FORMATS {
        for is_terminal in [true, false] {
            let (console, stdout, stderr) = captured(format, is_terminal);
            show(&console);
            for text in [stdout.text(), stderr.text()] {
                assert_harmless(what, &text);
                if format != Format::Table {
                    assert_json(what, &text);
                }
            }
        }
    }
}

fn assert_harmless(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what}: {secret} in {text}");
    }
    let bare = OURS.iter().fold(text.to_owned(), |text, code| text.replace(code, ""));
    let is_control =
        |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{2069}').contains(c);
    assert_eq!(bare.chars().find(is_control), None, "{what}: {bare:?}");
    let forged = bare.lines().find(|line| line.starts_with("forged"));
    assert_eq!(forged, None, "{what}: a line of ours was forged:\n{bare}");
}

/// The colours that we use; every other escape sequence came from outside.
const OURS: [&str; 7] =
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[39m"];

fn assert_json(what: &str, text: &str) {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    for document in documents {
        let document = document.unwrap_or_else(|error| panic!("{what}: {error}: {text}"));
        assert!(document.is_object(), "{what}: {document}");
    }
}

/// An error of any room: its message, its cause and its hint are all foreign.
#[derive(Debug)]
struct Foreign(Option<Box<Self>>);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FOREIGN} {}", self.0.is_some())
    }
}

impl std::error::Error for Foreign {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

impl Classified for Foreign {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn hint(&self) -> Option<String> {
        Some(FOREIGN.to_owned())
    }
}

#[test]
fn errors_and_warnings() {
    shown_everywhere("an error", |console| {
        console.fail(&Failure::from(Foreign(Some(Box::new(Foreign(None))))));
    });
    shown_everywhere("a failure without a type", |console| {
        console.fail(&Failure::new(ErrorKind::Internal, FOREIGN).hint(FOREIGN));
    });
    shown_everywhere("a warning", |console| console.warn(FOREIGN));
    shown_everywhere("a note", |console| console.note(FOREIGN));
}

/// What `-v` asked for is plain text in every format.
#[test]
fn settings_explained() {
    for is_terminal in [true, false] {
        let (console, _, stderr) = captured(Format::Table, is_terminal);
        console.explain(FOREIGN);
        assert_harmless("an explained setting", &stderr.text());
    }
}

fn steps() -> Vec<StepEvent> {
    let outcome = || FOREIGN.to_owned();
    let elapsed = Duration::from_secs(2);
    [
        StepProgress::Started,
        StepProgress::Waiting { said: outcome(), elapsed },
        StepProgress::Finished { outcome: outcome(), was_there: true, elapsed },
        StepProgress::Finished { outcome: outcome(), was_there: false, elapsed },
        StepProgress::Failed,
    ]
    .map(|progress| StepEvent { step: "place", title: "make the database", progress })
    .into()
}

fn layers() -> Vec<LayerReport> {
    let failed = LayerVerdict::Failed(vec![FOREIGN.to_owned()]);
    [LayerVerdict::Done, LayerVerdict::Unchanged, LayerVerdict::Absent, failed]
        .map(|verdict| LayerReport {
            layer: "gate",
            verdict,
            detail: FOREIGN.to_owned(),
            elapsed: Duration::from_millis(20),
            at: Duration::from_millis(30),
        })
        .into()
}

fn tenant_results() -> Vec<TenantResult> {
    let lines = || vec![FOREIGN.to_owned(), FOREIGN.to_owned()];
    let failed = |hint| TenantVerdict::Failed { kind: ErrorKind::Internal, chain: lines(), hint };
    [
        TenantVerdict::Done(lines()),
        TenantVerdict::Unchanged,
        TenantVerdict::Planned(lines()),
        TenantVerdict::Skipped(FOREIGN.to_owned()),
        failed(Some(FOREIGN.to_owned())),
        failed(None),
    ]
    .map(|verdict| TenantResult {
        tenant: "acme".parse::<Slug>().unwrap(),
        verdict,
        version: None,
        elapsed: Duration::from_secs(1),
    })
    .into()
}

fn local_events() -> Vec<LocalEvent> {
    vec![
        LocalEvent::Installing { command: FOREIGN.to_owned() },
        LocalEvent::Downloading { version: FOREIGN.to_owned() },
        LocalEvent::RemovingLeftover { directory: FOREIGN.into() },
        LocalEvent::Initializing { version: FOREIGN.to_owned(), directory: FOREIGN.into() },
        LocalEvent::StateReplaced { kept_as: Some(FOREIGN.into()) },
    ]
}

#[test]
fn progress() {
    shown_everywhere("progress", |console| {
        // Drawn at once: no test waits for the quiet beginning to be over.
        let progress = Progress::with(console, Spinner::at_once(console));
        for event in steps() {
            progress.step(&event);
        }
        for layer in layers() {
            progress.layer(&layer);
        }
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
    let progress = Progress::with(&console, Spinner::at_once(&console));
    progress.step(&steps().remove(1));
    assert!(stderr.text().contains("postgres://op:****@db/x"), "{:?}", stderr.text());
    assert!(stderr.text().contains("make the database"), "{:?}", stderr.text());
    drop(progress);
}

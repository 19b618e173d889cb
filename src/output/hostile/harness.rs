//! Foreign text, and what must never come of it: a secret or a control character that is written.

use serde_json::Value;
use uuid::Uuid;

use crate::model::{TenantId, TenantNames};
use crate::output::appearance::Format;
use crate::output::captured::captured;
use crate::output::console::Console;

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

/// Shows what a question is about, which is text whatever the result's shape, and looks at it.
pub(super) fn asked_everywhere(what: &str, show: impl Fn(&Console)) {
    for format in FORMATS {
        let (console, stdout, stderr) = captured(format, true);
        show(&console);
        assert_eq!(stdout.text(), "", "{what}");
        assert_harmless(what, &stderr.text());
    }
}

pub(super) fn assert_harmless(what: &str, text: &str) {
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

/// Returns a tenant's names, which hold nothing foreign.
pub(super) fn acme() -> TenantNames {
    TenantNames { id: TenantId(Uuid::nil()), slug: "acme".parse().unwrap() }
}

/// Returns the foreign text.
pub(super) fn foreign() -> String {
    FOREIGN.to_owned()
}

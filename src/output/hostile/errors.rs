//! Errors, warnings and notes.

use std::fmt;

use super::harness::{FOREIGN, assert_harmless, foreign, shown_everywhere};
use crate::model::{Classified, ErrorKind};
use crate::output::appearance::Format;
use crate::output::captured::captured;
use crate::output::failure::Failure;

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
        Some(foreign())
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

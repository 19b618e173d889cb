//! One line of text that may be shown.
//!
//! What becomes a line is redacted and escaped at that moment, wherever it comes from; there is no
//! other way to make one, and the writers take nothing else. A line has no `Display`, so it cannot
//! become a bare text again by accident.

use std::fmt::Display;

use owo_colors::OwoColorize;
use textwrap::core::display_width;

use crate::model::{escape_controls, redact};

/// A line, in parts of one colour each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<Span>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    text: String,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Heading,
    Dim,
    Good,
    Bad,
    Warning,
}

/// Makes a plain line of anything that can be written; a line break in it is escaped as well.
impl<T: Display> From<T> for Line {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

/// Returns a text in the colour of what is well.
pub(super) fn good(text: impl Display) -> Line {
    Line::styled(text, Style::Good)
}

/// Returns a text in the colour of what is not well.
pub(super) fn bad(text: impl Display) -> Line {
    Line::styled(text, Style::Bad)
}

/// Returns a text in the colour of what is not as far as it should be.
pub(super) fn behind(text: impl Display) -> Line {
    Line::styled(text, Style::Warning)
}

/// Returns a text in the colour of what matters less.
pub(super) fn dim(text: impl Display) -> Line {
    Line::styled(text, Style::Dim)
}

/// Returns a text that stands above others.
pub(super) fn heading(text: impl Display) -> Line {
    Line::styled(text, Style::Heading)
}

/// Returns a warning: the word, then the text.
pub(super) fn warning(text: impl Display) -> Line {
    Line::styled("warning:", Style::Warning).and(format_args!(" {text}"))
}

/// Returns a hint: the word, then the text.
pub(super) fn hint(text: impl Display) -> Line {
    good("hint:").and(format_args!(" {text}"))
}

/// Returns a text that may be shown on one line.
pub(super) fn harmless(text: &str) -> String {
    // Redacted first: an escaped line break would glue a secret to the word before it.
    escape_controls(&redact(text))
}

impl Line {
    fn styled(text: impl Display, style: Style) -> Self {
        Self(vec![Span { text: harmless(&text.to_string()), style }])
    }

    #[must_use]
    pub(crate) fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// Returns at most so many characters, the last one `…` when something was cut.
    #[must_use]
    pub(super) fn shortened(mut self, limit: usize) -> Self {
        let length: usize = self.0.iter().map(|span| span.text.chars().count()).sum();
        if length <= limit {
            return self;
        }
        let mut left = limit.saturating_sub(1);
        for span in &mut self.0 {
            let end = span.text.char_indices().nth(left).map(|(at, _)| at);
            left = left.saturating_sub(span.text.chars().count());
            if let Some(end) = end {
                span.text.truncate(end);
            }
        }
        self.and("…")
    }

    /// Returns at most so many columns, the last one `…` when something was cut.
    #[must_use]
    pub(super) fn cut(mut self, width: usize) -> Self {
        if display_width(&self.plain()) <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        for span in &mut self.0 {
            let mut end = 0;
            for character in span.text.chars() {
                let wide = display_width(character.encode_utf8(&mut [0; 4]));
                if wide > left {
                    left = 0;
                    break;
                }
                left -= wide;
                end += character.len_utf8();
            }
            span.text.truncate(end);
        }
        self.and("…")
    }

    /// Returns the text without colour.
    pub(super) fn plain(&self) -> String {
        self.painted(false)
    }

    /// Returns the text as a stream gets it.
    pub(super) fn painted(&self, has_color: bool) -> String {
        self.0.iter().map(|span| span.painted(has_color)).collect()
    }
}

impl Span {
    fn painted(&self, has_color: bool) -> String {
        let text = &self.text;
        match self.style {
            _ if !has_color || text.is_empty() => text.clone(),
            Style::Plain => text.clone(),
            Style::Heading => text.bold().to_string(),
            Style::Dim => text.dimmed().to_string(),
            Style::Good => text.green().to_string(),
            Style::Bad => text.red().to_string(),
            Style::Warning => text.yellow().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_harmless_in_every_colour() {
        let foreign = "a\u{1b}[31mb\r\nc\u{202e} postgres://op:hunter2@db/x";
        let line = good(foreign).and(foreign).and(bad(foreign));
        for text in [line.plain(), line.clone().shortened(40).painted(false)] {
            assert!(!text.contains(['\u{1b}', '\r', '\n', '\u{202e}']), "{text:?}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let escapes = line.painted(true).matches('\u{1b}').count();
        assert_eq!(escapes, 4, "two colours, each begun and ended");
    }

    #[test]
    fn a_secret_after_a_line_break_is_found() {
        assert_eq!(harmless("bad\neyJhbGciOi.eyJzdWIi.c2ln"), "bad\\neyJ****");
    }

    #[test]
    fn shortening_cuts_across_colours() {
        let line = || Line::from("abc").and(dim("def"));
        assert_eq!(line().shortened(6).plain(), "abcdef");
        assert_eq!(line().shortened(5).plain(), "abcd…");
        assert_eq!(line().shortened(3).plain(), "ab…");
        assert_eq!(line().shortened(0).plain(), "…");
    }
}

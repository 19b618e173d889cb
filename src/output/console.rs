//! The two streams, and what may be done with them: one decision for colour, width and shape.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use owo_colors::OwoColorize;

use super::appearance::{Appearance, Format};
use super::exit;
use super::failure::Failure;
use super::json::json_text;
use super::view::View;
use crate::model::ErrorKind;

/// Which of the three streams are terminals.
#[derive(Debug, Clone, Copy)]
struct Terminals {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// stdout and stderr, and everything known about them.
#[derive(Debug)]
pub struct Console {
    appearance: Appearance,
    has_color: bool,
    terminals: Terminals,
    stderr: io::Stderr,
    /// Whether stdout failed; the reason is told once, at the end.
    broken: Mutex<Option<io::Error>>,
}

impl Console {
    /// Looks at the streams once.
    pub fn new(appearance: Appearance) -> Self {
        let terminals = Terminals {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        };
        let has_color = appearance
            .color
            .unwrap_or(!appearance.is_plain_environment && terminals.stdout && terminals.stderr);
        Self { appearance, has_color, terminals, stderr: io::stderr(), broken: Mutex::new(None) }
    }

    /// Returns the shape of the result.
    pub fn format(&self) -> Format {
        self.appearance.format
    }

    /// Returns whether somebody is there to answer.
    pub(super) fn can_ask(&self) -> bool {
        !self.appearance.is_no_input && self.terminals.stdin && self.terminals.stderr
    }

    /// Returns whether only the result and errors are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.appearance.is_quiet
    }

    /// Returns whether somebody watches stderr on a terminal that can redraw a line.
    pub(super) fn is_watched(&self) -> bool {
        self.terminals.stderr && !self.appearance.is_plain_environment && !self.appearance.is_quiet
    }

    /// Returns how wide a table may be; nothing when nobody looks at a window.
    pub(super) fn width(&self) -> Option<u16> {
        let detected = self.terminals.stdout.then(|| columns_of(io::stdout()));
        detected.map(|columns| self.appearance.columns.or(columns).unwrap_or(80).max(40))
    }

    /// Returns how long a line on stderr may be; nothing when it goes to a file or a pipe.
    pub(super) fn line_width(&self) -> Option<usize> {
        let detected = self.terminals.stderr.then(|| columns_of(io::stderr()));
        let columns = detected.map(|columns| self.appearance.columns.or(columns).unwrap_or(80));
        columns.map(|columns| usize::from(columns.max(40)))
    }

    /// Shows a result.
    pub fn show(&self, view: &View) {
        match self.appearance.format {
            Format::Table => {
                if !view.text.is_empty() {
                    self.out(&view.text);
                }
                for note in &view.notes {
                    self.note(note);
                }
            }
            Format::Json => self.out(&json_text(&view.document(), true)),
            Format::Ndjson => {
                for line in view.lines() {
                    self.out(&json_text(&line, false));
                }
            }
        }
    }

    /// Writes one line of JSON to stdout, for results that are streamed.
    pub fn line(&self, value: &serde_json::Value) {
        self.out(&json_text(value, false));
    }

    /// Writes lines of JSON to stdout, together.
    pub(super) fn lines(&self, values: impl Iterator<Item = serde_json::Value>) {
        let text: String = values.map(|value| json_text(&value, false) + "\n").collect();
        self.write_out(text.as_bytes());
    }

    /// Writes a text to stdout as it is: a script, a page.
    pub fn raw(&self, text: &str) {
        self.write_out(text.as_bytes());
    }

    /// Writes the table of exit codes.
    pub fn exit_codes(&self) {
        self.write_out(exit::table().as_bytes());
    }

    /// Writes a note for people to stderr, unless they want none or read JSON.
    pub fn note(&self, text: &str) {
        if !self.appearance.is_quiet && self.appearance.format == Format::Table {
            self.err(&self.wrapped(text));
        }
    }

    /// Returns prose that fits the window; what is indented is a command to be copied, and stays
    /// whole.
    fn wrapped(&self, text: &str) -> String {
        let Some(width) = self.line_width() else { return text.to_owned() };
        let options = textwrap::Options::new(width).break_words(false);
        let fit = |line: &str| {
            if line.starts_with(' ') { line.to_owned() } else { textwrap::fill(line, &options) }
        };
        text.split('\n').map(fit).collect::<Vec<_>>().join("\n")
    }

    /// Writes to stderr what somebody asked for with `-v`, in any shape.
    pub fn explain(&self, text: &str) {
        self.err(text);
    }

    /// Writes a warning to stderr; in JSON as an object, since it may matter to a script as well.
    pub fn warn(&self, text: &str) {
        if self.appearance.is_quiet {
            return;
        }
        if self.appearance.format == Format::Table {
            let word = self.paint("warning:", |word| word.yellow().to_string());
            self.err(&self.wrapped(&format!("{word} {text}")));
        } else {
            self.err(&json_text(&serde_json::json!({ "warning": text }), false));
        }
    }

    /// Writes a failure to stderr.
    pub fn fail(&self, failure: &Failure) {
        if self.appearance.format == Format::Table {
            self.err(&failure.text(self));
        } else {
            self.err(&json_text(&failure.json(), false));
        }
    }

    /// Writes a line to stderr. Nobody can be told when that fails.
    pub(super) fn err(&self, text: &str) {
        let mut stream = self.stderr.lock();
        drop(writeln!(stream, "{text}"));
    }

    /// Returns why the result could not be written, if it could not. A reader that went away, as
    /// `head` does, is no failure.
    pub fn broken_stdout(&self) -> Option<ErrorKind> {
        let broken = self.broken.lock().ok()?.take()?;
        if broken.kind() == io::ErrorKind::BrokenPipe {
            return None;
        }
        self.err(&format!("error: failed to write the result: {broken}"));
        Some(ErrorKind::Internal)
    }

    fn out(&self, text: &str) {
        let mut line = String::with_capacity(text.len() + 1);
        line.push_str(text);
        line.push('\n');
        self.write_out(line.as_bytes());
    }

    fn write_out(&self, bytes: &[u8]) {
        let Ok(mut broken) = self.broken.lock() else { return };
        if broken.is_some() {
            return;
        }
        let mut stream = io::stdout().lock();
        if let Err(error) = stream.write_all(bytes).and_then(|()| stream.flush()) {
            *broken = Some(error);
        }
    }

    /// Returns whether whoever reads stdout went away; what streams may stop then.
    pub fn is_stdout_gone(&self) -> bool {
        self.broken.lock().is_ok_and(|broken| broken.is_some())
    }

    pub(super) fn paint(&self, text: &str, paint: impl Fn(&str) -> String) -> String {
        if self.has_color { paint(text) } else { text.to_owned() }
    }

    pub(super) fn heading(&self, text: &str) -> String {
        self.paint(text, |text| text.bold().to_string())
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.paint(text, |text| text.dimmed().to_string())
    }

    pub(super) fn good(&self, text: &str) -> String {
        self.paint(text, |text| text.green().to_string())
    }

    pub(super) fn bad(&self, text: &str) -> String {
        self.paint(text, |text| text.red().to_string())
    }
}

/// Returns the columns of a terminal, where it knows them.
fn columns_of(stream: impl std::os::fd::AsFd) -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

//! The two streams, and what may be done with them: one decision for colour, width and shape.
//!
//! What is written here is a `Text`, a `Line` or a document of JSON, each of which is redacted and
//! escaped by being one.

use std::io::{self, IsTerminal};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::appearance::{Appearance, Format, Volume};
use super::ascii::in_ascii;
use super::csv::csv;
use super::failure::Failure;
use super::json::{Part, json_line, json_pretty};
use super::layout::{laid_out, laid_out_line};
use super::line::{Line, dim, warning};
use super::live::Live;
use super::look::Look;
use super::spool::Spool;
use super::stream::Stream;
use super::text::Text;
use super::view::{FORMAT_VERSION, View, typed_line};
use super::words::shown;
use crate::model::{ErrorKind, PlaneAddress, Wait};

/// How much of a list is one write, in bytes.
const WRITTEN_TOGETHER: usize = 1 << 20;

/// The reader closed the pipe, as `head` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReaderGone;

/// Which of the three streams are terminals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminals {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

/// stdout and stderr, and everything known about them.
#[derive(Debug)]
pub(crate) struct Console {
    appearance: Appearance,
    has_color: bool,
    terminals: Terminals,
    stdout: Stream,
    stderr: Stream,
    live: Live,
    /// Whether stdout failed; the reason is reported once, at the end.
    broken: Mutex<Option<io::Error>>,
    /// What a result would have said that could not be written.
    unsaid: Mutex<Option<String>>,
}

/// Whether a question could be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CanAsk {
    Yes,
    /// `--no-input` was passed.
    NoInput,
    /// stdin or stderr is no terminal.
    NoTerminal,
}

impl Console {
    /// Looks at the streams once.
    pub(crate) fn new(appearance: Appearance) -> Self {
        let (stdout, stderr) = (Stream::Stdout, Stream::Stderr);
        let terminals = Terminals {
            stdin: io::stdin().is_terminal(),
            stdout: stdout.is_terminal(),
            stderr: stderr.is_terminal(),
        };
        Self::on(appearance, terminals, stdout, stderr)
    }

    pub(super) fn on(
        appearance: Appearance,
        terminals: Terminals,
        stdout: Stream,
        stderr: Stream,
    ) -> Self {
        let has_color = appearance
            .color
            .unwrap_or(!appearance.is_plain_environment && terminals.stdout && terminals.stderr);
        let (live, broken, unsaid) = (Live::default(), Mutex::new(None), Mutex::new(None));
        Self { appearance, has_color, terminals, stdout, stderr, live, broken, unsaid }
    }

    pub(crate) fn format(&self) -> Format {
        self.appearance.format
    }

    /// Returns whether what goes to stderr is for people.
    fn speaks_text(&self) -> bool {
        matches!(self.appearance.format, Format::Table | Format::Csv)
    }

    /// Returns whether a question could be answered, and why not.
    pub(super) fn can_ask(&self) -> CanAsk {
        match (self.terminals.stdin && self.terminals.stderr, self.appearance.is_no_input) {
            (_, true) => CanAsk::NoInput,
            (false, false) => CanAsk::NoTerminal,
            (true, false) => CanAsk::Yes,
        }
    }

    /// Returns whether only the result and errors are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.appearance.volume == Volume::Quiet
    }

    /// Returns whether more is wanted than the result and what belongs to it.
    pub(crate) fn is_verbose(&self) -> bool {
        self.appearance.volume == Volume::Verbose
    }

    /// Returns whether stderr is a terminal that can redraw a line.
    pub(super) fn is_watched(&self) -> bool {
        let Appearance { is_plain_environment, is_ascii, .. } = self.appearance;
        self.terminals.stderr && !is_plain_environment && !is_ascii && !self.is_quiet()
    }

    /// Returns the line that is redrawn.
    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    /// Draws that line, where somebody watches.
    pub(super) fn draw(&self) {
        if self.is_watched() && self.appearance.format == Format::Table {
            self.live.draw(&self.stderr, self.columns(&self.stderr), self.has_color);
        }
    }

    /// Returns how many columns a line on stderr may have; `None` for a file or a pipe.
    pub(super) fn line_width(&self) -> Option<usize> {
        self.terminals.stderr.then(|| self.columns(&self.stderr))
    }

    fn columns(&self, stream: &Stream) -> usize {
        let columns = self.appearance.columns.or_else(|| stream.columns()).unwrap_or(80);
        usize::from(columns.max(40))
    }

    /// Returns how results look; `is_wide` as wide as they are.
    pub(super) fn look_of_results(&self, is_wide: bool) -> Look {
        let is_bounded = self.terminals.stdout && !is_wide;
        let width = is_bounded.then(|| self.columns(&self.stdout));
        Look { has_color: self.has_color, width, wraps: false }
    }

    pub(crate) fn show(&self, view: &View) {
        match self.appearance.format {
            Format::Table => {
                if !view.text.is_empty() {
                    let look = self.look_of_results(view.is_wide);
                    self.write_out(&(laid_out(&view.text, look) + "\n"));
                }
                if !view.notes.is_empty() {
                    self.note(view.notes.clone());
                }
            }
            Format::Csv => {
                self.write_out(
                    &view.text.table().map(|table| csv(table, true)).unwrap_or_default(),
                );
            }
            Format::Json => match view.as_written() {
                None => self.write_out(&(view.document(json_pretty) + "\n")),
                Some((plural, items)) => {
                    let mut spool = Spool::new(plural);
                    match items.into_iter().try_for_each(|item| spool.push(&item)) {
                        Ok(()) => self.show_spooled(view, spool),
                        Err(error) => self.break_stdout(error),
                    }
                }
            },
            Format::Ndjson => {
                // Together: a list is few writes, however many lines it has.
                let mut lines = String::new();
                view.lines(|line| {
                    lines.push_str(&json_line(line));
                    lines.push('\n');
                    if lines.len() > WRITTEN_TOGETHER {
                        self.write_out(&lines);
                        lines.clear();
                    }
                });
                self.write_out(&lines);
            }
        }
        if self.is_stdout_gone()
            && let Ok(mut unsaid) = self.unsaid.lock()
        {
            *unsaid = view.text.headline().map(|line| line.plain());
        }
    }

    /// Writes what a question is about before it is asked, whatever the result's shape: somebody sits there.
    pub(super) fn before_question(&self, text: &Text) {
        self.write_err(&laid_out(text, self.look_of_notes()));
    }

    /// Writes lines of JSON of one type to stdout, together, for results that are streamed.
    pub(super) fn lines(&self, kind: &str, values: &[Value]) {
        let line = |value| json_line(&typed_line(kind, value)) + "\n";
        self.write_out(&values.iter().map(line).collect::<String>());
    }

    /// Writes what is generated from the command line's own definition, a script or a manual, as it
    /// is: nothing in it comes from outside.
    pub(crate) fn raw(&self, text: &str) {
        self.write_out(text);
    }

    /// Says on stderr where a command acts: a line for people, an event in ndjson.
    pub(crate) fn say_where(&self, address: &PlaneAddress) {
        if self.is_quiet() {
            return;
        }
        match self.appearance.format {
            Format::Table | Format::Csv => self.say(&dim(address)),
            Format::Json => {}
            Format::Ndjson => self.event(json!({
                "event": "control_plane", "profile": address.profile, "local": address.is_local,
                "host": address.host, "database": address.database,
            })),
        }
    }

    /// Writes a note to stderr; nothing with `--quiet` or in JSON.
    pub(crate) fn note(&self, text: impl Into<Text>) {
        if !self.is_quiet() && self.appearance.format == Format::Table {
            self.write_err(&laid_out(&text.into(), self.look_of_notes()));
        }
    }

    /// Writes to stderr what was asked for with `-v`, in any shape.
    pub(crate) fn explain(&self, line: impl Into<Line>) {
        self.say(&line.into());
    }

    /// Writes a warning to stderr; in JSON as an object, since it may matter to a script as well.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_quiet() {
            return;
        }
        if self.speaks_text() {
            self.write_err(&laid_out_line(&warning(text), self.look_of_notes()));
        } else {
            self.said("warning", json!({ "warning": text }));
        }
    }

    /// Shows what is waited for, if anything is, and how far things are.
    pub(crate) fn tick(&self, wait: Option<&Wait>) {
        self.live.waits_for(wait.map(|wait| (wait.what.clone(), wait.since)));
        self.draw();
        let is_log = !self.is_watched() && !self.is_quiet();
        if is_log
            && self.appearance.format == Format::Table
            && let Some(line) = self.live.report()
        {
            self.say(&line);
        }
    }

    /// Writes once to a log that something is waited for.
    pub(crate) fn log_wait(&self, wait: &Wait) {
        let text = format!("waiting for {}", wait.what);
        if self.appearance.format != Format::Table {
            self.warn(&text);
        } else if !self.is_watched() && !self.is_quiet() {
            let text = format!("{text} ({})", shown(wait.since.elapsed()));
            self.say(&dim("·").and(format_args!(" {text}")));
        }
    }

    /// Answers a signal, whatever the operator wants to hear otherwise.
    pub(crate) fn urgent(&self, text: &str) {
        if self.appearance.format == Format::Table {
            self.over_the_mark();
            self.write_err(&laid_out_line(&Line::from(text), self.look_of_notes()));
        } else {
            self.said("warning", json!({ "warning": text }));
        }
    }

    /// Goes back to the beginning of the line, where a terminal wrote `^C` at the cursor.
    fn over_the_mark(&self) {
        if self.terminals.stderr {
            drop(self.live.above(|| self.stderr.write("\r")));
        }
    }

    pub(crate) fn fail(&self, failure: &Failure) {
        if self.speaks_text() {
            if failure.kind() == ErrorKind::Interrupted {
                self.over_the_mark();
            }
            // Our own lines stay whole, to be copied; what was quoted stays indented.
            let look = Look { wraps: false, ..self.look_of_notes() };
            self.write_err(&laid_out(&failure.text(), look));
        } else {
            self.said("error", failure.json());
        }
    }

    pub(super) fn say(&self, line: &Line) {
        self.write_err(&line.painted(self.has_color));
    }

    /// Writes to stderr, as a line of JSON, what happens while a command runs.
    pub(super) fn event(&self, value: Value) {
        self.said("event", value);
    }

    /// Writes a line of JSON to stderr: what it is, and its fields.
    fn said(&self, kind: &str, fields: Value) {
        let mut line = json!({ "format_version": FORMAT_VERSION, "type": kind });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        self.write_err(&json_line(&Part::Value(&line)));
    }

    /// Returns why the result could not be written, if it could not. A reader that closed
    /// it, as `head` does, is no failure.
    pub(crate) fn broken_stdout(&self) -> Option<ErrorKind> {
        let broken = self.broken.lock().ok()?.take()?;
        if broken.kind() == io::ErrorKind::BrokenPipe {
            return None;
        }
        // What the command did is done; what is incomplete is the result.
        let failure = Failure::new(ErrorKind::Incomplete, format!("write the result: {broken}"));
        let unsaid = self.unsaid.lock().ok().and_then(|mut unsaid| unsaid.take());
        let failure = match unsaid {
            Some(said) => failure.hint(format!("what it did is done: {said}")),
            None => failure,
        };
        self.fail(&failure);
        Some(failure.kind())
    }

    /// Returns whether the reader of stdout closed it: what streams may stop then.
    pub(crate) fn is_stdout_gone(&self) -> bool {
        self.broken.lock().is_ok_and(|broken| broken.is_some())
    }

    fn look_of_notes(&self) -> Look {
        Look { has_color: self.has_color, width: self.line_width(), wraps: true }
    }

    /// Remembers why the result cannot be written.
    pub(super) fn break_stdout(&self, error: io::Error) {
        if let Ok(mut broken) = self.broken.lock() {
            broken.get_or_insert(error);
        }
    }

    pub(super) fn write_out(&self, text: &str) {
        let Ok(mut broken) = self.broken.lock() else { return };
        if broken.is_some() {
            return;
        }
        let is_text = self.appearance.format == Format::Table && self.appearance.is_ascii;
        let text = if is_text { &in_ascii(text) } else { text };
        if let Err(error) = self.live.above(|| self.stdout.write(text)) {
            *broken = Some(error);
        }
    }

    /// Writes to stderr; when that fails there is nowhere left to report it.
    fn write_err(&self, text: &str) {
        let is_text = self.speaks_text() && self.appearance.is_ascii;
        let text = if is_text { &in_ascii(text) } else { text };
        drop(self.live.above(|| self.stderr.write(&format!("{text}\n"))));
    }
}

//! The line that is redrawn while something is under way; only a watched terminal sees it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::appearance::Format;
use super::console::Console;
use super::line::Line;

/// How long nothing is drawn: most commands are done by then.
const QUIET_START: Duration = Duration::from_millis(250);

/// The longest text beside the spinner, in characters.
const LONGEST: usize = 70;

/// A spinner on stderr, and the lines that stay above it.
#[derive(Debug)]
pub(super) struct Spinner<'c> {
    console: &'c Console,
    begins_at: Instant,
    bar: RefCell<Option<ProgressBar>>,
}

impl<'c> Spinner<'c> {
    pub(super) fn new(console: &'c Console) -> Self {
        Self { console, begins_at: Instant::now() + QUIET_START, bar: RefCell::new(None) }
    }

    /// Returns a spinner that is drawn from the first text on.
    #[cfg(test)]
    pub(super) fn at_once(console: &'c Console) -> Self {
        Self { console, begins_at: Instant::now(), bar: RefCell::new(None) }
    }

    /// Returns for how long it has been there.
    pub(super) fn age(&self) -> Duration {
        Instant::now().saturating_duration_since(self.begins_at)
    }

    /// Shows what is being done now.
    pub(super) fn show(&self, line: impl Into<Line>) {
        if !self.console.is_watched()
            || self.console.format() != Format::Table
            || Instant::now() < self.begins_at && self.bar.borrow().is_none()
        {
            return;
        }
        let mut bar = self.bar.borrow_mut();
        let bar = bar.get_or_insert_with(|| {
            let target = self.console.stderr().draw_target();
            let bar = ProgressBar::with_draw_target(None, target);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(line.into().shortened(LONGEST).plain());
    }

    pub(super) fn say(&self, line: &Line) {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| self.console.say(line)),
            None => self.console.say(line),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

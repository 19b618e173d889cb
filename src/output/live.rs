//! The line that is redrawn while something is under way, with what is waited for below it; only a
//! watched terminal sees it. There is one, and whatever else is written goes above it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::line::{Line, dim};
use super::running::Running;
use super::screen::target;
use super::stream::Stream;
use super::words::whole_seconds;

/// How long nothing is drawn: most commands are done by then.
const QUIET_START: Duration = Duration::from_millis(250);

/// How often a log gets a line about what goes on.
pub(super) const STILL_WAITING: Duration = Duration::from_secs(30);

/// What is being done.
#[derive(Debug)]
pub(super) enum Doing {
    /// One thing, and since when.
    One(Line, Instant),
    /// Many tenants side by side.
    Fleet(Running),
}

impl Doing {
    fn line(&self, now: Instant, width: usize) -> Line {
        match self {
            Self::One(what, since) => {
                let end = format!(" ({})", whole_seconds(*since, now));
                what.clone().shortened(width.saturating_sub(end.len())).and(end)
            }
            Self::Fleet(running) => Line::from(running.text(now)).shortened(width),
        }
    }

    fn since(&self) -> Instant {
        match self {
            Self::One(_, since) => *since,
            Self::Fleet(running) => running.began(),
        }
    }
}

/// What is waited for, and since when.
pub(super) type Waited = (String, Instant);

#[derive(Debug, Default)]
struct State {
    /// What is over and belongs to what is being done: it stands above it.
    settled: Vec<Line>,
    doing: Option<Doing>,
    waited: Option<Waited>,
    bar: Option<ProgressBar>,
    /// When a log was told last.
    reported: Option<Instant>,
}

/// The line of a console.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<State>);

impl Live {
    /// Says what is being done now, or that nothing is.
    pub(super) fn doing(&self, doing: Option<Doing>) {
        self.state().doing = doing;
    }

    /// Changes what is told of many tenants; does nothing when that is not what is being done.
    pub(super) fn fleet<T>(&self, change: impl FnOnce(&mut Running) -> T) -> Option<T> {
        match &mut self.state().doing {
            Some(Doing::Fleet(running)) => Some(change(running)),
            _ => None,
        }
    }

    /// Says what is waited for now, or that nothing is.
    pub(super) fn waits_for(&self, waited: Option<Waited>) {
        self.state().waited = waited;
    }

    /// Adds a line about a part that is over; it goes away with what is being done.
    pub(super) fn settle(&self, part: Line) {
        self.state().settled.push(part);
    }

    /// Draws what there is to tell, on so many columns; nothing in the first moment.
    pub(super) fn draw(&self, stream: &Stream, columns: usize, has_color: bool) {
        let mut state = self.state();
        let now = Instant::now();
        // The mark at the beginning and its space; and the last column, where some terminals break.
        let width = columns.saturating_sub(3);
        let is_due = state.bar.is_some()
            || state.waited.is_some()
            || state.doing.as_ref().is_some_and(|doing| now >= doing.since() + QUIET_START);
        let mut lines = Vec::new();
        lines.extend(state.doing.as_ref().map(|doing| doing.line(now, width)));
        lines.extend(state.waited.as_ref().map(|(what, since)| {
            let end = format!(" ({})", whole_seconds(*since, now));
            Line::from(format_args!("waiting for {what}"))
                .shortened(width.saturating_sub(end.len()))
                .and(end)
        }));
        let Some((first, rest)) = lines.split_first().filter(|_| is_due) else {
            return end(&mut state);
        };
        let settled = state.settled.iter().map(|part| part.clone().cut(width).painted(has_color));
        let settled = settled.collect::<Vec<_>>().join("\n");
        let bar = state.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, target(stream));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let template =
            if settled.is_empty() { "{spinner} {msg}" } else { "{prefix}\n{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let below = rest.iter().map(|line| format!("\n  {}", line.plain()));
        bar.set_prefix(settled);
        bar.set_message(first.plain() + &below.collect::<String>());
    }

    /// Returns a line for a log about how far things are, every half minute.
    pub(super) fn report(&self) -> Option<Line> {
        let mut state = self.state();
        let now = Instant::now();
        let Some(Doing::Fleet(running)) = &state.doing else { return None };
        let last = state.reported.unwrap_or(running.began());
        if now.saturating_duration_since(last) < STILL_WAITING {
            return None;
        }
        let line = dim("·").and(format_args!(" {}", running.text(now)));
        state.reported = Some(now);
        Some(line)
    }

    /// Writes something while the line is away.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = self.state().bar.clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line away; what is being done and waited for is forgotten.
    pub(super) fn end(&self) {
        let mut state = self.state();
        (state.doing, state.waited) = (None, None);
        state.settled.clear();
        end(&mut state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(state: &mut State) {
    if let Some(bar) = state.bar.take() {
        bar.finish_and_clear();
    }
}

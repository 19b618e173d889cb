//! What happens while a command runs: a calm line on a terminal, plain lines in a log, JSON lines
//! for a program. All of it goes to stderr, and nothing in the first 250 ms.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::appearance::Format;
use super::console::Console;
use super::json::{names_json, step_word};
use super::line::{Line, bad, dim, good};
use super::live::{Doing, STILL_WAITING};
use super::local::local_event;
use super::running::Running;
use super::words::{millis, shown, verdict};
use crate::services::fleet::{FleetEvent, RunStanding, TenantResult, TenantVerdict};
use crate::services::local::LocalEvent;
use crate::services::lockdown::{Counted, LayerReport, LayerVerdict, LockdownEvent};
use crate::services::saga::{StepEvent, StepProgress};

#[derive(Debug)]
pub(crate) struct Progress<'c> {
    console: &'c Console,
    began: Instant,
    told: RefCell<BTreeSet<String>>,
    has_lines: Cell<bool>,
    waits_for: RefCell<String>,
    reported_at: Cell<Duration>,
    /// The layers that are being cut, or given back.
    under_way: RefCell<Vec<&'static str>>,
}

impl<'c> Progress<'c> {
    pub(crate) fn new(console: &'c Console) -> Self {
        Self {
            console,
            began: Instant::now(),
            told: RefCell::default(),
            has_lines: Cell::new(false),
            waits_for: RefCell::default(),
            reported_at: Cell::default(),
            under_way: RefCell::default(),
        }
    }

    pub(crate) fn step(&self, event: &StepEvent) {
        if self.is_machine() {
            return self.machine(step_json(event));
        }
        match &event.progress {
            StepProgress::Started => self.show(event.title),
            StepProgress::Waiting { said, elapsed } => {
                self.show(format_args!("{}: {said}", event.title));
                self.waiting(event.title, said, *elapsed);
            }
            StepProgress::Finished { outcome, was_there, elapsed } => {
                let mark = if *was_there { dim("·") } else { good("✓") };
                let title = format!(" {:<28} {:>7}  ", event.title, shown(*elapsed));
                // Mark, title, duration and the spaces between them take 40 columns.
                self.line(&mark.and(title).and(dim(outcome).shortened(self.room(40))));
            }
            StepProgress::PutOff { said } => {
                let line = dim("·").and(format_args!(" {}  ", event.title));
                self.line(&line.and(dim(said).shortened(self.room(30))));
            }
            StepProgress::Failed => {
                self.line(&bad("✗").and(format_args!(" {}", event.title)));
            }
        }
    }

    pub(crate) fn lockdown(&self, event: LockdownEvent<'_>) {
        match event {
            LockdownEvent::Begun(words) => {
                if self.is_machine() {
                    return self.machine(json!({ "event": "begun", "layers": words }));
                }
                *self.under_way.borrow_mut() = words.to_vec();
                self.cutting();
            }
            LockdownEvent::Layer(layer) => self.layer(layer),
            LockdownEvent::Users(counted) => self.users(counted),
            LockdownEvent::Lifting { done, of } => {
                if self.is_machine() {
                    return self.machine(json!({ "event": "lifting", "done": done, "of": of }));
                }
                self.far(&format!("auth: {done} of {of} bans lifted"));
            }
        }
    }

    /// Shows where a run stands that others work on.
    pub(crate) fn run(&self, standing: &RunStanding) {
        let RunStanding { run, counts, workers, .. } = standing;
        if self.is_machine() {
            return self.machine(json!({
                "event": "standing", "run": run.id.0, "state": run.state.word(),
                "done": counts.all() - counts.open(), "of": counts.all(), "failed": counts.failed,
                "workers": workers.len(),
            }));
        }
        let failed =
            if counts.failed > 0 { format!(", {} failed", counts.failed) } else { String::new() };
        let (done, all) = (counts.all() - counts.open(), counts.all());
        let said = format!(
            "run {} is {}: {done} of {all} tenants{failed}, {} at work",
            run.id,
            run.state.word(),
            workers.len()
        );
        self.far(&said);
    }

    fn users(&self, Counted { seen, of, banned, passes }: Counted) {
        if self.is_machine() {
            return self.machine(json!({
                "event": "users", "seen": seen, "of": of, "banned": banned, "passes": passes,
            }));
        }
        let of = of.map_or(String::new(), |of| format!(" of {of}"));
        let again = if passes > 1 { ", looking again" } else { "" };
        self.far(&format!("auth: {seen}{of} users looked at, {banned} banned{again}"));
    }

    /// Shows how far something is that takes long: a log gets a line every half minute.
    fn far(&self, said: &str) {
        self.show(said);
        if !self.console.is_watched()
            && self.reported_at.get() + STILL_WAITING <= self.began.elapsed()
        {
            self.reported_at.set(self.began.elapsed());
            self.line(&Line::from(format_args!("· {said}")));
        }
    }

    fn layer(&self, layer: &LayerReport) {
        if self.is_machine() {
            return self.machine(json!({
                "event": "layer", "layer": layer.layer, "outcome": layer.verdict.word(),
                "after_ms": millis(layer.at),
            }));
        }
        let mark = match layer.verdict {
            LayerVerdict::Failed(_) => bad("✗"),
            LayerVerdict::Done => good("✓"),
            LayerVerdict::Unchanged | LayerVerdict::Absent | LayerVerdict::NotCovered => dim("·"),
        };
        let title = format!(" {:<16} {:>9}  ", layer.layer, shown(layer.at));
        // The table of the report takes its place, so that a log has it once.
        self.console.live().settle(mark.and(title).and(dim(&layer.detail)));
        self.under_way.borrow_mut().retain(|word| *word != layer.layer);
        self.cutting();
    }

    /// Shows which layers are being cut.
    fn cutting(&self) {
        let words = self.under_way.borrow();
        if !words.is_empty() {
            self.show(words.join(", "));
        }
    }

    pub(crate) fn fleet(&self, event: &FleetEvent) {
        match event {
            FleetEvent::Trying => {
                if self.is_machine() {
                    return self.machine(json!({ "event": "trying" }));
                }
                self.doing("trying the migrations in a clean build");
            }
            FleetEvent::Planned { tenants, to_open } => {
                if self.is_machine() {
                    self.machine(json!({
                        "event": "planned", "tenants": tenants, "to_open": to_open,
                    }));
                } else if *to_open > 0 {
                    let running = Running::new(*tenants, *to_open, self.began);
                    self.console.live().doing(Some(Doing::Fleet(running)));
                    self.console.draw();
                    if !self.console.is_watched() && *to_open > 1 {
                        self.line(&Line::from(format_args!(
                            "· {to_open} of {tenants} tenants to do"
                        )));
                    }
                }
            }
            FleetEvent::Run { run, is_joined } => {
                if self.is_machine() {
                    return self.machine(json!({
                        "event": "run", "run": run.0, "joined": is_joined,
                    }));
                }
                let word = if *is_joined { "going on with run" } else { "run" };
                self.line(&dim("·").and(format_args!(" {word} {run}")));
            }
            FleetEvent::Pace { jobs, why } => {
                if self.is_machine() {
                    return self.machine(json!({ "event": "pace", "jobs": jobs, "why": why }));
                }
                self.console.live().fleet(|running| running.paced(*jobs, why.as_deref()));
                self.console.draw();
            }
            FleetEvent::Postponed(tenant) => {
                if self.is_machine() {
                    return self.machine(json!({
                        "event": "postponed", "tenant": names_json(tenant),
                    }));
                }
                self.console.live().fleet(|running| running.postponed(&tenant.slug));
                self.console.draw();
            }
            FleetEvent::Started(tenant) => {
                if self.is_machine() {
                    return self.machine(json!({
                        "event": "started", "tenant": names_json(tenant),
                    }));
                }
                self.console.live().fleet(|running| running.started(&tenant.slug, Instant::now()));
                self.console.draw();
            }
            FleetEvent::Finished(result) => self.tenant(result),
        }
    }

    fn tenant(&self, result: &TenantResult) {
        let (word, detail) = verdict(&result.verdict);
        if self.is_machine() {
            return self.machine(json!({
                "event": "finished", "tenant": names_json(&result.tenant), "outcome": word,
                "detail": detail, "elapsed_ms": millis(result.elapsed),
            }));
        }
        let has_failed = matches!(result.verdict, TenantVerdict::Failed(_));
        self.console.live().fleet(|running| running.finished(&result.tenant.slug, has_failed));
        let line = Line::from(format_args!(" {}  ", result.tenant));
        match &result.verdict {
            // Once for all that fail alike; the report counts them.
            TenantVerdict::Failed(cause) if self.told.borrow_mut().insert(cause.common.clone()) => {
                // In a log the report has the detail, and once is enough.
                let detail = if self.console.is_watched() { detail } else { word.to_owned() };
                self.line(&bad("✗").and(line).and(Line::from(detail).shortened(300)));
            }
            TenantVerdict::Done(_) if !self.console.is_watched() => {
                self.line(&good("✓").and(line).and(detail));
            }
            _ => {}
        }
        self.console.draw();
    }

    pub(crate) fn local(&self, event: &LocalEvent) {
        let (word, text, is_worth_a_line) = local_event(event);
        if self.is_machine() {
            self.machine(json!({ "event": word, "text": text }));
        } else if is_worth_a_line {
            self.line(&dim("·").and(format_args!(" {text}")));
        } else {
            self.show(text);
        }
    }

    /// Shows what is being done, where nothing else tells how far it is.
    pub(crate) fn doing(&self, what: &'static str) {
        if !self.is_machine() {
            self.show(what);
        }
    }

    /// Shows what is being done now.
    fn show(&self, what: impl Into<Line>) {
        self.console.live().doing(Some(Doing::One(what.into(), Instant::now())));
        self.console.draw();
    }

    fn is_machine(&self) -> bool {
        self.console.format() == Format::Ndjson
    }

    fn machine(&self, event: Value) {
        if !self.console.is_quiet() {
            self.console.event(event);
        }
    }

    /// Writes a line to a log about a step that waits: when the answer changes, and every half
    /// minute.
    fn waiting(&self, title: &str, said: &str, elapsed: Duration) {
        if self.console.is_watched() {
            return;
        }
        let is_news =
            *self.waits_for.borrow() != said || self.reported_at.get() + STILL_WAITING <= elapsed;
        if is_news {
            said.clone_into(&mut self.waits_for.borrow_mut());
            self.reported_at.set(elapsed);
            let line = Line::from(format_args!("· {title}: "));
            let end = format!(" ({})", shown(elapsed));
            self.line(&line.and(Line::from(said).shortened(200)).and(end));
        }
    }

    /// Returns how many columns are left beside so many.
    fn room(&self, taken: usize) -> usize {
        self.console.line_width().map_or(usize::MAX, |width| width.saturating_sub(taken))
    }

    fn line(&self, line: &Line) {
        if !self.console.is_quiet() && self.console.format() == Format::Table {
            self.has_lines.set(true);
            self.console.say(line);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.console.live().end();
        // The result stands apart from what led to it.
        if self.has_lines.get() && self.console.is_watched() {
            self.console.say(&Line::default());
        }
    }
}

fn step_json(event: &StepEvent) -> Value {
    match &event.progress {
        StepProgress::Started => json!({ "event": "started", "step": event.step }),
        StepProgress::Waiting { said, elapsed } => json!({
            "event": "waiting", "step": event.step, "said": said, "elapsed_ms": millis(*elapsed),
        }),
        StepProgress::Finished { outcome, was_there, elapsed } => json!({
            "event": "finished", "step": event.step, "outcome": step_word(*was_there),
            "detail": outcome, "elapsed_ms": millis(*elapsed),
        }),
        StepProgress::PutOff { said } => {
            json!({ "event": "put_off", "step": event.step, "said": said })
        }
        StepProgress::Failed => json!({ "event": "failed", "step": event.step }),
    }
}

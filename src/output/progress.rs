//! What happens while a command runs: a calm line for who watches, plain lines for a log, JSON lines
//! for a program. All of it on stderr, and nothing in the first 250 ms.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::appearance::Format;
use super::console::Console;
use super::json::json_text;
use super::words::{millis, seconds, shown};
use crate::model::{escape_controls, shorten};
use crate::services::fleet::{FleetEvent, TenantVerdict};
use crate::services::local::LocalEvent;
use crate::services::lockdown::LayerReport;
use crate::services::saga::{StepEvent, StepProgress};

/// How long nothing is drawn: most commands are done by then.
const QUIET_START: Duration = Duration::from_millis(250);

/// How often a log is told that something still waits.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// Draws events.
#[derive(Debug)]
pub struct Progress<'c> {
    console: &'c Console,
    started: Instant,
    bar: RefCell<Option<ProgressBar>>,
    finished: Cell<usize>,
    total: Cell<usize>,
    failed: Cell<usize>,
    has_lines: Cell<bool>,
    waits_for: RefCell<String>,
    told_at: Cell<Duration>,
}

impl<'c> Progress<'c> {
    /// Begins.
    pub fn new(console: &'c Console) -> Self {
        Self {
            console,
            started: Instant::now(),
            bar: RefCell::new(None),
            finished: Cell::new(0),
            total: Cell::new(0),
            failed: Cell::new(0),
            has_lines: Cell::new(false),
            waits_for: RefCell::default(),
            told_at: Cell::default(),
        }
    }

    /// Draws an event of a saga.
    pub fn step(&self, event: &StepEvent) {
        if self.is_machine() {
            return self.machine(&step_json(event));
        }
        match &event.progress {
            StepProgress::Started => self.spin(event.title),
            StepProgress::Waiting { said, elapsed } => {
                self.spin(&format!("{}: {said}", event.title));
                self.waiting(event.title, said, *elapsed);
            }
            StepProgress::Finished { outcome, was_there, elapsed } => {
                let mark =
                    if *was_there { self.console.dim("·") } else { self.console.good("✓") };
                // Mark, title, duration and the spaces between them take 40 columns.
                let room =
                    self.console.line_width().map_or(usize::MAX, |width| width.saturating_sub(40));
                let outcome = self.console.dim(&shorten(&escape_controls(outcome), room));
                let title = format!("{:<28}", event.title);
                self.line(&format!("{mark} {title} {:>7}  {outcome}", shown(*elapsed)));
            }
            StepProgress::Failed => {
                self.line(&format!("{} {}", self.console.bad("✗"), event.title));
            }
        }
    }

    /// Draws a layer of a lockdown or an unlock.
    pub fn layer(&self, layer: &LayerReport) {
        let word = layer.verdict.word();
        if self.is_machine() {
            return self.machine(&json!({
                "event": "layer", "layer": layer.layer, "result": word,
                "at_ms": millis(layer.at),
            }));
        }
        let mark = match word {
            "failed" => self.console.bad("✗"),
            "done" => self.console.good("✓"),
            _ => self.console.dim("·"),
        };
        let room = self.console.line_width().map_or(usize::MAX, |width| width.saturating_sub(30));
        let detail = self.console.dim(&shorten(&escape_controls(&layer.detail), room));
        self.line(&format!("{mark} {:<16} {:>9}  {detail}", layer.layer, seconds(layer.at)));
    }

    /// Draws an event of a fleet command.
    pub fn fleet(&self, event: &FleetEvent) {
        match event {
            FleetEvent::Planned { tenants, to_open } => {
                self.total.set(*tenants);
                if self.is_machine() {
                    let plan =
                        json!({ "event": "planned", "tenants": tenants, "to_open": to_open });
                    return self.machine(&plan);
                }
                if *to_open > 0 {
                    self.spin(&format!("{tenants} tenants, {to_open} to open"));
                }
            }
            FleetEvent::Finished(result) => {
                self.finished.set(self.finished.get() + 1);
                let (word, what) = match &result.verdict {
                    TenantVerdict::Done(lines) => ("done", lines.join(", ")),
                    TenantVerdict::Failed { chain, .. } => {
                        self.failed.set(self.failed.get() + 1);
                        ("failed", chain.join(": "))
                    }
                    TenantVerdict::Unchanged => ("unchanged", String::new()),
                    TenantVerdict::Planned(lines) => ("planned", lines.join(", ")),
                    TenantVerdict::Skipped(reason) => ("skipped", reason.clone()),
                };
                if self.is_machine() {
                    return self.machine(&json!({
                        "event": "finished", "tenant": result.tenant.as_str(), "verdict": word,
                        "detail": what, "elapsed_ms": millis(result.elapsed),
                    }));
                }
                match word {
                    "failed" => {
                        let mark = self.console.bad("✗");
                        let what = shorten(&escape_controls(&what), 300);
                        self.line(&format!("{mark} {}  {what}", result.tenant));
                    }
                    "done" if !self.console.is_watched() => {
                        let mark = self.console.good("✓");
                        self.line(&format!("{mark} {}  {}", result.tenant, escape_controls(&what)));
                    }
                    _ => {}
                }
                let failed = match self.failed.get() {
                    0 => String::new(),
                    failed => format!(", {failed} failed"),
                };
                self.spin(&format!(
                    "{} of {} tenants{failed}",
                    self.finished.get(),
                    self.total.get()
                ));
            }
        }
    }

    /// Draws an event of the private local Postgres.
    pub fn local(&self, event: &LocalEvent) {
        let (word, text, is_worth_a_line) = match event {
            LocalEvent::WaitingForLock => {
                ("waiting", "another tenantctl is at work on it; waiting".to_owned(), true)
            }
            LocalEvent::Installing { command } => ("installing", command.clone(), true),
            LocalEvent::Downloading { version } => {
                ("downloading", format!("downloading Postgres {version}"), true)
            }
            LocalEvent::RemovingLeftover { directory } => {
                ("removing", format!("removing the half-made {}", directory.display()), true)
            }
            LocalEvent::Initializing { version, directory } => (
                "initializing",
                format!("making a cluster with Postgres {version} in {}", directory.display()),
                true,
            ),
            LocalEvent::StateReplaced { kept_as } => {
                let kept =
                    kept_as.as_ref().map(|path| format!("; the old one is {}", path.display()));
                let text = "the file with its passwords could not be read and was made anew; \
                            credentials sealed with the old key no longer open";
                ("state_replaced", format!("{text}{}", kept.unwrap_or_default()), true)
            }
            LocalEvent::StalePidFile { pid } => {
                let pid = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
                ("stale_pid_file", format!("a server that is gone left its pid file{pid}"), true)
            }
            LocalEvent::PortTaken { port } => {
                ("port_taken", format!("port {port} is taken; choosing another"), true)
            }
            LocalEvent::Starting { port } => {
                ("starting", format!("starting on port {port}"), false)
            }
            LocalEvent::Bootstrapping => {
                ("bootstrapping", "making the operator's role and database".to_owned(), false)
            }
        };
        if self.is_machine() {
            return self.machine(&json!({ "event": word, "text": text }));
        }
        if is_worth_a_line {
            self.line(&format!("{} {}", self.console.dim("·"), escape_controls(&text)));
        } else {
            self.spin(&text);
        }
    }

    fn is_machine(&self) -> bool {
        self.console.format() == Format::Ndjson
    }

    fn machine(&self, event: &serde_json::Value) {
        if !self.console.is_quiet() {
            self.console.err(&json_text(event, false));
        }
    }

    /// Shows what is being done now; only a watched terminal sees it.
    fn spin(&self, text: &str) {
        if !self.console.is_watched()
            || self.console.format() != Format::Table
            || self.started.elapsed() < QUIET_START && self.bar.borrow().is_none()
        {
            return;
        }
        let mut bar = self.bar.borrow_mut();
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(shorten(&escape_controls(text), 70));
    }

    /// Tells a log that something is still under way: when it changes, and every half minute.
    fn waiting(&self, title: &str, said: &str, elapsed: Duration) {
        if self.console.is_watched() {
            return;
        }
        let is_news =
            *self.waits_for.borrow() != said || self.told_at.get() + TOLD_EVERY <= elapsed;
        if is_news {
            said.clone_into(&mut self.waits_for.borrow_mut());
            self.told_at.set(elapsed);
            let said = shorten(&escape_controls(said), 200);
            self.line(&format!("· {title}: {said} ({})", shown(elapsed)));
        }
    }

    /// Writes a line that stays.
    fn line(&self, text: &str) {
        if self.console.is_quiet() || self.console.format() != Format::Table {
            return;
        }
        self.has_lines.set(true);
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| self.console.err(text)),
            None => self.console.err(text),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
        // The result stands apart from what led to it.
        if self.has_lines.get() && self.console.is_watched() {
            self.console.err("");
        }
    }
}

fn step_json(event: &StepEvent) -> serde_json::Value {
    match &event.progress {
        StepProgress::Started => json!({ "event": "started", "step": event.step }),
        StepProgress::Waiting { said, elapsed } => json!({
            "event": "waiting", "step": event.step, "said": said, "elapsed_ms": millis(*elapsed),
        }),
        StepProgress::Finished { outcome, was_there, elapsed } => json!({
            "event": "finished", "step": event.step, "outcome": outcome,
            "was_there": was_there, "elapsed_ms": millis(*elapsed),
        }),
        StepProgress::Failed => json!({ "event": "failed", "step": event.step }),
    }
}

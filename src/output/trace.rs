//! The lines of `-vv`: one event each.
//!
//! It does not choose the events: the filter of `process` does.

use std::fmt;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::line::harmless;

/// Writes an event as seconds since the start and its text.
#[derive(Debug)]
pub(crate) struct TraceLines {
    started: Instant,
    worded: fn(&Event<'_>) -> Option<String>,
}

impl TraceLines {
    /// Returns lines in which `worded` words the events that it knows; all others show their fields.
    pub(crate) fn new(worded: fn(&Event<'_>) -> Option<String>) -> Self {
        Self { started: Instant::now(), worded }
    }
}

impl<S, N> FormatEvent<S, N> for TraceLines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let text = (self.worded)(event).unwrap_or_else(|| {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let target = event.metadata().target();
            if target.starts_with("tenantctl") {
                fields.0
            } else {
                format!("{target}: {}", fields.0)
            }
        });
        let seconds = self.started.elapsed().as_secs_f64();
        // One event stays one line, whatever a name in it holds.
        writeln!(writer, "[{seconds:.3}] {}", harmless(&text))
    }
}

/// An event's message and its fields behind it.
#[derive(Debug, Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        let text = match field.name() {
            "message" => format!("{value:?}"),
            name => format!("{name}={value:?}"),
        };
        self.0.push_str(&text);
    }
}

//! What `-vv` shows of a statement: where it ran, its text without literals, its rows and its time.
//!
//! sqlx reports every statement as an event that has the literals in its text, SCRAM verifiers
//! among them, and that does not say on which server it ran. Nothing of that event is shown but the
//! line made here.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::endpoint::Endpoint;
use crate::model::shorten;

/// Where sqlx reports statements (sqlx-core 0.9 `src/logger.rs`, read 2026-11).
const TARGET: &str = "sqlx::query";

/// The longest part of a statement that is shown, in characters.
const STATEMENT_LIMIT: usize = 160;

/// Where sessions were opened, each place once.
static PLACES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Returns the options with statements reported, when someone reads it.
///
/// All that an event carries of its session is the threshold from which a statement counts as slow.
/// So every place has a threshold of its own, its number in nanoseconds, which no statement
/// undercuts: a round trip takes thousands of them.
pub(super) fn with_events(options: PgConnectOptions, endpoint: &Endpoint) -> PgConnectOptions {
    // The level's type is of a crate that only sqlx depends on.
    let (true, Ok(level)) = (tracing::enabled!(target: TARGET, Level::DEBUG), "debug".parse())
    else {
        return options.disable_statement_logging();
    };
    let place = place(endpoint);
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = places.iter().position(|known| *known == place);
    let index = known.unwrap_or_else(|| {
        places.push(place);
        places.len() - 1
    });
    let number = u64::try_from(index + 1).unwrap_or(u64::MAX);
    options.log_slow_statements(level, Duration::from_nanos(number))
}

/// Returns the host and the database of an endpoint.
pub(super) fn place(endpoint: &Endpoint) -> String {
    format!("{}:{}/{}", endpoint.host_text(), endpoint.port, endpoint.database)
}

/// Returns the line for an event of sqlx's about a statement; nothing for any other event.
pub(crate) fn statement_line(event: &Event<'_>) -> Option<String> {
    if event.metadata().target() != TARGET {
        return None;
    }
    let mut report = Report::default();
    event.record(&mut report);
    Some(report.to_string())
}

/// The fields of sqlx's event.
#[derive(Debug, Default)]
struct Report {
    text: String,
    rows: u64,
    elapsed: Duration,
    place: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or("postgres");
        let statement = shorten(&without_literals(&self.text), STATEMENT_LIMIT);
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let elapsed = self.elapsed.as_secs_f64() * 1000.0;
        write!(f, "{place}: {statement}: {} {rows} in {elapsed:.1} ms", self.rows)
    }
}

impl Visit for Report {
    fn record_str(&mut self, field: &Field, value: &str) {
        // The summary is the whole statement where that is short, and then the statement is empty.
        let is_text = matches!(field.name(), "summary" | "db.statement");
        if is_text && !value.is_empty() {
            value.clone_into(&mut self.text);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if matches!(field.name(), "rows_affected" | "rows_returned") {
            self.rows = self.rows.max(value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.elapsed = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "slow_threshold" {
            self.place = place_of(&format!("{value:?}"));
        }
    }
}

/// Returns the place with this threshold, written as in `7ns` or `1.024µs`.
fn place_of(threshold: &str) -> Option<String> {
    let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let (number, factor) = match threshold.strip_suffix("ns") {
        Some(number) => (number, 1.0),
        None => (threshold.strip_suffix("µs")?, 1000.0),
    };
    let nanos = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor / 1e9).ok()?;
    places.get(usize::try_from(nanos.as_nanos()).ok()?.checked_sub(1)?).cloned()
}

/// Returns a statement on one line, without comments, and with `…` for every string and number.
fn without_literals(sql: &str) -> String {
    let mut safe = String::with_capacity(sql.len());
    let mut rest = sql;
    while !rest.is_empty() {
        let (shown, length) = token(rest, &safe);
        let repeats = matches!(shown, " " | "…") && safe.ends_with(shown);
        if !repeats {
            safe.push_str(shown);
        }
        rest = &rest[length..];
    }
    safe.trim_matches([' ', ';']).to_owned()
}

/// Returns how the token at the beginning of `rest` is shown, and its length in bytes.
fn token<'a>(rest: &'a str, before: &str) -> (&'a str, usize) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let until = |from: usize, end: &str| {
        rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    match rest.chars().next() {
        _ if rest.starts_with("--") => (" ", until(2, "\n")),
        _ if rest.starts_with("/*") => (" ", until(2, "*/")),
        Some(first) if first.is_whitespace() => (" ", first.len_utf8()),
        Some(first) if first.is_ascii_digit() => ("…", word),
        Some('\'') => {
            // Only in `E'…'` does a backslash escape; a doubled quote begins another literal here.
            let prefix = before.strip_suffix(['E', 'e']);
            ("…", string_length(rest, prefix.is_some_and(|before| !before.ends_with(is_word))))
        }
        Some('"') => (&rest[..until(1, "\"")], until(1, "\"")),
        Some('$') => {
            let tag = 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1);
            if rest[tag..].starts_with('$') {
                ("…", until(tag + 1, &rest[..=tag]))
            } else {
                (&rest[..tag], tag)
            }
        }
        first if word == 0 => {
            let length = first.map_or(0, char::len_utf8);
            (&rest[..length], length)
        }
        _ => (&rest[..word], word),
    }
}

/// Returns the length of the string literal that `text` begins with.
fn string_length(text: &str, has_escapes: bool) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, character)| {
        let ends = *character == '\'' && !is_escaped;
        is_escaped = has_escapes && *character == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_left_out_whatever_they_look_like() {
        for (sql, shown) in [
            ("SELECT 1", "SELECT …"),
            ("SELECT  a,\n  b FROM t\tWHERE id = $1;", "SELECT a, b FROM t WHERE id = $1"),
            ("ALTER ROLE \"o'x\" PASSWORD 'SCRAM-SHA-256$4096:'", "ALTER ROLE \"o'x\" PASSWORD …"),
            ("SET x = 'it''s'; SET y = 10", "SET x = …; SET y = …"),
            ("SELECT E'\\'hunter2' , a", "SELECT E… , a"),
            ("SELECT E'\\\\', 'hunter2'", "SELECT E…, …"),
            ("SELECT '\\', 'hunter2'", "SELECT …, …"),
            ("DO $$BEGIN x := 'hunter2'; END$$", "DO …"),
            ("DO $tag$ a $$ hunter2 $tag$ b", "DO … b"),
            ("-- hunter2\nSELECT /* 'hunter2 */ v1.a2 FROM t3", "SELECT v1.a2 FROM t3"),
            ("SELECT 'hunter2", "SELECT …"),
            ("SELECT date'\\', 'hunter2'", "SELECT date…, …"),
            ("SELECT 1.5e3, x", "SELECT ….…, x"),
            ("SELECT $1::text, $2", "SELECT $1::text, $2"),
            ("SELECT 'ä' AS \"ö\", ü", "SELECT … AS \"ö\", ü"),
        ] {
            assert_eq!(without_literals(sql), shown, "{sql}");
        }
    }

    #[test]
    fn a_threshold_is_read_back_as_durations_are_written() {
        PLACES.lock().unwrap().extend((1..=3000).map(|number| number.to_string()));
        for number in [1_u64, 7, 999, 1000, 1001, 1024, 2999, 3000] {
            let written = format!("{:?}", Duration::from_nanos(number));
            assert_eq!(place_of(&written), Some(number.to_string()), "{written}");
        }
        assert_eq!(place_of("4s"), None);
        assert_eq!(place_of("0ns"), None);
    }
}

//! How the operator wants things to look.
//!
//! It decides nothing: `Console` puts this together with what the streams are.

use std::ffi::OsString;

use super::ascii::is_ascii;

/// The shape of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One line of JSON for each item.
    Ndjson,
    /// A list's table, for spreadsheets.
    Csv,
}

/// How much is said besides the result and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volume {
    /// Nothing (`-q`).
    Quiet,
    Usual,
    /// Also where a read looks (`-v`).
    Verbose,
}

/// How the operator wants things to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appearance {
    pub format: Format,
    /// Colour: yes, no, or as the streams and the environment say.
    pub color: Option<bool>,
    /// Whether the environment speaks against colour (`NO_COLOR`, `TERM=dumb`).
    pub is_plain_environment: bool,
    /// Whether the environment's locale has no UTF-8.
    pub is_ascii: bool,
    /// The width that the environment dictates (`COLUMNS`).
    pub columns: Option<u16>,
    pub volume: Volume,
    pub is_no_input: bool,
}

impl Appearance {
    /// Returns how a result looks when no flag says anything.
    pub(crate) fn plain(format: Format, environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
        Self {
            format,
            color: None,
            is_plain_environment: is_set("NO_COLOR")
                || environment("TERM").is_some_and(|term| term == "dumb"),
            is_ascii: is_ascii(environment),
            columns: environment("COLUMNS").and_then(|text| text.to_str()?.parse().ok()),
            volume: Volume::Usual,
            is_no_input: false,
        }
    }
}

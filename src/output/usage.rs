//! Clap's own answers: help, version and usage errors.

use std::process::ExitCode;

use super::console::Console;
use super::exit::exit_code;
use super::failure::Failure;
use crate::model::ErrorKind;

/// Shows help, version or a usage error as clap words it, and returns the exit code.
pub(crate) fn show_clap(answer: &clap::Error) -> ExitCode {
    // There is nowhere to report that stdout or stderr cannot be written.
    drop(answer.print());
    ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2))
}

/// How wide a page of the manual is.
const PAGE: usize = 80;

/// Returns terms, each with its meaning below it, for a page of the manual.
pub(crate) fn definitions(rows: &[(String, &str)]) -> String {
    let indent = "      ";
    // Names with hyphens are there to be copied.
    let options = textwrap::Options::new(PAGE - 2)
        .initial_indent(indent)
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let row = |(term, meaning): &(String, &str)| {
        format!("  {term}\n{}\n", textwrap::fill(meaning, &options))
    };
    rows.iter().map(row).collect()
}

impl Console {
    /// Shows a usage error in the shape of every other error.
    pub(crate) fn fail_usage(&self, error: &clap::Error) -> ExitCode {
        let text = error.render().to_string();
        // Up to the first empty line stands what is missing or wrong; the usage follows.
        let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
        let text = lines.collect::<Vec<_>>().join(" ");
        let message = text.trim_start_matches("error: ");
        let failure = Failure::new(ErrorKind::Usage, format!("read the command line: {message}"));
        self.fail(&failure.hint("tenantctl --help"));
        ExitCode::from(exit_code(ErrorKind::Usage))
    }
}

//! The process's environment, read here and nowhere else.
//!
//! libpq's variables (`PGHOST`, `PGOPTIONS` …) are deliberately not settings: a parent process must
//! not be able to send an operator's command to another server.

use std::ffi::OsString;

/// The process's environment, or a test's.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Reads a variable of the process's environment.
pub(crate) fn environment(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var_os(name)
}

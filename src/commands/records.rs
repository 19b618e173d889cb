//! What a command over tenants leaves beside its streams: the `JUnit` file that was asked for, and its part
//! of a CI step's summary.
//!
//! Both are opened before anything is done, so that a file nobody can write is found then, and an old
//! one is no report of a run that was killed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::context::Context;
use crate::config::environment;
use crate::model::ErrorKind;
use crate::output::{Cases, Ending, Failure, junit, step_summary};

/// Where GitHub's runner wants a step's summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A command over tenants, and where it is reported.
pub(super) struct Records<'a> {
    context: &'a Context,
    /// The command's words after `tenantctl`.
    command: &'static str,
    began: Instant,
    junit: Option<(PathBuf, File)>,
    summary: Option<File>,
}

/// How a command ended, and what it came to for each tenant.
pub(super) type Reported = Result<(Ending, Cases), Failure>;

impl Context {
    /// Opens the files that a command is reported in.
    ///
    /// # Errors
    /// When the one that was asked for cannot be written.
    pub(super) fn records(
        &self,
        command: &'static str,
        junit: Option<PathBuf>,
    ) -> Result<Records<'_>, Failure> {
        let junit = match junit {
            None => None,
            Some(path) => {
                let file = emptied(&path).map_err(|error| unwritable(&path, &error))?;
                Some((path, file))
            }
        };
        let wanted = environment(STEP_SUMMARY).filter(|path| !path.is_empty()).map(PathBuf::from);
        let summary = wanted.and_then(|path| {
            let opened = OpenOptions::new().append(true).create(true).open(&path);
            opened.map_err(|error| self.warn_of(&path, &error)).ok()
        });
        Ok(Records { context: self, command, began: Instant::now(), junit, summary })
    }

    fn warn_of(&self, path: &Path, error: &io::Error) {
        let what = format!("the step's summary {} cannot be written: {error}", path.display());
        self.console().warn(&what);
    }
}

impl Records<'_> {
    /// Runs the command and reports it; one that fails as a whole is one case.
    ///
    /// # Errors
    /// Those of the command. What was done and cannot be reported as was asked is a warning, and
    /// incomplete.
    pub(super) async fn of(self, run: impl Future<Output = Reported>) -> Result<Ending, Failure> {
        let ended = run.await;
        let (ending, cases) = match ended {
            Ok((ending, cases)) => (Ok(ending), cases),
            Err(failure) => {
                let cases = Cases::of_failure(self.command, &failure, self.began.elapsed());
                (Err(failure), cases)
            }
        };
        let is_written = self.write(&cases);
        let unwritten = (!is_written).then_some(ErrorKind::Incomplete);
        Ok(ending?.or(unwritten))
    }

    /// Writes what came of the command; returns whether the file that was asked for has it.
    fn write(&self, cases: &Cases) -> bool {
        if let Some(mut summary) = self.summary.as_ref()
            && let Err(error) = summary.write_all(step_summary(cases).as_bytes())
        {
            self.context.warn_of(Path::new(STEP_SUMMARY), &error);
        }
        let Some((path, mut file)) = self.junit.as_ref().map(|(path, file)| (path, file)) else {
            return true;
        };
        let Err(error) = file.write_all(junit(cases).as_bytes()) else { return true };
        let what = format!(
            "failed to write the report to {}: {error}; what the command did is done",
            path.display()
        );
        self.context.console().warn(&what);
        false
    }
}

fn emptied(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(ErrorKind::Usage, format!("write the report to {}: {error}", path.display()))
        .hint("nothing was done; name a file that can be written with --junit FILE")
}

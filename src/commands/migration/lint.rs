//! `tenantctl migrate lint`.

use crate::cli::LintArgs;
use crate::commands::context::Context;
use crate::config::environment;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, annotations, render_lint};
use crate::services::migration::{LintRequest, lint};

/// Judges migrations; exit code 10 when something is found. Nothing is contacted.
pub(super) fn run(args: LintArgs, context: &Context) -> Result<Ending, Failure> {
    let request = LintRequest { paths: args.files, own: context.own_migrations(None)? };
    let report = lint(&request)?;
    let console = context.console();
    console.show(&render_lint(&report));
    if environment("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        for line in annotations(&report) {
            console.explain(line);
        }
    }
    Ok((!report.findings.is_empty()).then_some(ErrorKind::Differences))
}

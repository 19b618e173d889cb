//! `tenantctl audit export`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, audit_row_json};
use crate::services::audit::export;

/// Prints every row as a line of JSON, whatever `--output` says: the export is for programs.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let console = context.console();
    let taken = export(&plane, |page| {
        for row in &page {
            console.line(&audit_row_json(row));
        }
        if console.is_stdout_gone() { Err(()) } else { Ok(()) }
    });
    // A reader that closes the pipe, as `head` does, has what it wanted.
    taken.await?.map(|()| None).or(Ok(None))
}

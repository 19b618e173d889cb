//! `tenantctl migrate export`.

use crate::cli::ExportArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_export};
use crate::services::migration::{ExportRequest, export};

/// Writes the embedded migrations into a folder; nothing is contacted.
pub(super) fn run(args: ExportArgs, context: &Context) -> Result<Ending, Failure> {
    let request = ExportRequest { folder: args.dir, is_dry_run: args.dry_run };
    context.console().show(&render_export(&export(&request)?));
    Ok(None)
}

//! `tenantctl init`.

use crate::cli::InitArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_install};
use crate::services::migration::install;

pub(super) async fn run(args: InitArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("install the control plane")?;
    }
    let endpoint = context.control_plane_endpoint()?;
    let report = install(&endpoint, &context.actor(), context.patience, args.dry_run).await?;
    context.console().show(&render_install(&report, args.dry_run));
    Ok(None)
}

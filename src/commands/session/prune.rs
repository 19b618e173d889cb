//! `tenantctl session prune`.

use crate::cli::SessionPruneArgs;
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, render_prune};
use crate::services::session::{PruneRequest, prune};

/// Deletes rows of sessions that expired long enough ago.
pub(super) async fn run(args: SessionPruneArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("prune sessions")?;
    }
    let request =
        PruneRequest { keep: args.keep, is_dry_run: args.dry_run, actor: context.actor() };
    let plane = context.plane().await?;
    let report = prune(&plane, &request, context.interrupt()).await?;
    context.console().show(&render_prune(&report));
    Ok(report.is_interrupted.then_some(ErrorKind::Interrupted))
}

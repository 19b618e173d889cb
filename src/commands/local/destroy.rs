//! `tenantctl local destroy`.

use crate::cli::LocalDryRunArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_destroy_plan, render_destroyed};

/// Stops the private local Postgres and removes its data.
pub(super) async fn run(args: &LocalDryRunArgs, context: &Context) -> Result<Ending, Failure> {
    if args.dry_run {
        let status = context.local_server()?.status().await?;
        context.console().show(&render_destroy_plan(&status));
        return Ok(None);
    }
    let question = "Remove the private local Postgres with every tenant in it?";
    context.confirm_write("remove the private local Postgres", question)?;
    let destroyed = context.local_server()?.destroy().await?;
    context.console().show(&render_destroyed(&destroyed));
    Ok(None)
}

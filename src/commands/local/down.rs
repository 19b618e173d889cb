//! `tenantctl local down`.

use crate::cli::LocalDryRunArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_down, render_down_plan};

pub(super) async fn run(args: &LocalDryRunArgs, context: &Context) -> Result<Ending, Failure> {
    if args.dry_run {
        let status = context.local_server()?.status().await?;
        context.console().show(&render_down_plan(&status));
        return Ok(None);
    }
    let down = context.local_server()?.down().await?;
    context.console().show(&render_down(&down));
    Ok(None)
}

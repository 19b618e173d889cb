//! `tenantctl local destroy`.

use crate::cli::LocalDryRunArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_destroy_plan, render_destroyed};

/// What is typed at a terminal, where a `y` too many would remove every tenant.
const WORD: &str = "destroy";

/// Stops the private local Postgres and removes its data.
pub(super) async fn run(args: &LocalDryRunArgs, context: &Context) -> Result<Ending, Failure> {
    if args.dry_run {
        let status = context.local_server()?.status().await?;
        context.console().show(&render_destroy_plan(&status));
        return Ok(None);
    }
    let what = "remove the private local Postgres";
    context.require_confirmation_possible(what)?;
    let status = context.local_server()?.status().await?;
    let console = context.console();
    if context.asks() {
        console.show_destroyed(&status);
    }
    context.confirm_by_word(what, WORD)?;
    let destroyed = context.local_server()?.destroy().await?;
    console.show(&render_destroyed(&destroyed));
    Ok(None)
}

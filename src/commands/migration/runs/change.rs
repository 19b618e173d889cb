//! `tenantctl migrate runs pause` and `cancel`.

use crate::cli::RunChangeArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_run_change};
use crate::services::fleet::{Change, ChangeRequest, change_run};

pub(super) async fn run(
    args: RunChangeArgs,
    change: Change,
    context: &Context,
) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("change a run")?;
    }
    let plane = context.plane().await?;
    let request = ChangeRequest {
        run: args.run,
        change,
        actor: context.actor(),
        reason: args.reason,
        is_dry_run: args.dry_run,
    };
    let report = change_run(&plane, &request).await?;
    context.console().show(&render_run_change(&report));
    Ok(None)
}

//! `tenantctl unlock`.

use crate::cli::LockdownArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Progress, render_lockdown_plan, render_unlock};
use crate::services::lockdown::{LockdownEvent, LockdownRequest, plan_unlock, unlock};

/// Unlocks a tenant: restores the flags that were set before the lockdown.
pub(super) async fn run(args: LockdownArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if args.dry_run {
        let plan = plan_unlock(&context.plane().await?, &args.tenant).await?;
        console.show(&render_lockdown_plan(&plan));
        return Ok(None);
    }
    let question = format!("Give `{}` its access back?", args.tenant);
    context.confirm_write("unlock a tenant", &question)?;
    let request = LockdownRequest {
        tenant: args.tenant,
        reason: args.reason,
        actor: context.actor(),
        patience: context.patience,
        auth_admin: context.auth_admin()?,
    };
    let world = context.world().await?;
    let progress = Progress::new(console);
    let on_event = |event: LockdownEvent<'_>| progress.lockdown(event);
    let report = unlock(&world, &request, &on_event).await?;
    drop(progress);
    console.show(&render_unlock(&report));
    Ok(report.ending())
}

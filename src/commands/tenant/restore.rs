//! `tenantctl tenant restore`.

use crate::cli::WriteTenantArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Progress, render_life_plan, render_restore};
use crate::services::tenant::{RestoreRequest, plan_restore, restore};

/// Restores a deleted tenant within its grace period.
pub(super) async fn run(args: WriteTenantArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if args.dry_run {
        let plan = plan_restore(&context.plane().await?, &args.tenant).await?;
        console.show(&render_life_plan(&plan));
        return Ok(None);
    }
    context.allow_write("restore a tenant")?;
    let world = context.world().await?;
    let request =
        RestoreRequest { tenant: args.tenant, patience: context.patience, actor: context.actor() };
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report = restore(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_restore(&report));
    Ok(None)
}

//! `tenantctl lockdown`.

use crate::cli::LockdownArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Progress, render_lockdown, render_lockdown_plan};
use crate::services::lockdown::{LockdownEvent, LockdownRequest, lockdown, plan_lockdown};
use crate::services::tenant::opened_password;

/// Locks a tenant down and proves it. It is urgent, and `unlock` undoes it, so it asks for no
/// confirmation.
pub(super) async fn run(args: LockdownArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if args.dry_run {
        let plan = plan_lockdown(&context.plane().await?, &args.tenant).await?;
        console.show(&render_lockdown_plan(&plan));
        return Ok(None);
    }
    context.allow_write("lock a tenant down")?;
    let request = LockdownRequest {
        tenant: args.tenant,
        reason: args.reason,
        actor: context.actor(),
        patience: context.patience,
        auth_admin: context.auth_admin()?,
    };
    // A key that cannot be read must not stop the lockdown; the probe of the login reports it.
    let key = context.secret_key().ok().flatten();
    let world = context.world().await?;
    let progress = Progress::new(console);
    let open_password = |tenant: &_| opened_password(tenant, key.as_ref());
    let on_event = |event: LockdownEvent<'_>| progress.lockdown(event);
    let report = Box::pin(lockdown(&world, &request, &open_password, &on_event)).await?;
    drop(progress);
    console.show(&render_lockdown(&report));
    Ok(report.ending())
}

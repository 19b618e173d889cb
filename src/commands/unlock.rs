//! `tenantctl unlock`.

use super::selection::{Which, named, which};
use crate::cli::LockArgs;
use crate::commands::context::Context;
use crate::model::TenantRef;
use crate::output::{
    Ending, Failure, Progress, render_lockdown_plan, render_lockdown_plans, render_unlock,
    render_unlocks,
};
use crate::services::fleet::{Listener, select_many, unlock_many};
use crate::services::lockdown::{LockdownEvent, LockdownRequest, plan_unlock, unlock};

/// Unlocks tenants: restores the flags that were set before the lockdown.
pub(super) async fn run(args: LockArgs, context: &Context) -> Result<Ending, Failure> {
    let which = which(args.named, args.selector)?;
    if args.dry_run {
        return plan(which, context).await;
    }
    let request = LockdownRequest {
        reason: args.reason,
        actor: context.actor(),
        patience: context.patience,
        auth_admin: context.auth_admin()?,
    };
    let console = context.console();
    match which {
        Which::One(tenant) => {
            let question = format!("Give `{tenant}` its access back?");
            context.confirm_write("unlock a tenant", &question)?;
            let world = context.world().await?;
            let progress = Progress::new(console);
            let on_event = |event: LockdownEvent<'_>| progress.lockdown(event);
            let report = Box::pin(unlock(&world, &tenant, &request, &on_event)).await?;
            drop(progress);
            console.show(&render_unlock(&report));
            Ok(report.ending())
        }
        Which::Many(selector) => {
            context.require_confirmation_possible("unlock tenants")?;
            let world = context.world().await?;
            let tenants = select_many(&world.plane, &selector).await?;
            let locked = tenants.iter().filter(|tenant| tenant.is_locked());
            let question = format!("Give {} their access back?", named("locked tenants", locked));
            context.confirm_write("unlock tenants", &question)?;
            let progress = Progress::new(console);
            let listener = Listener {
                interrupt: context.interrupt(),
                on_event: &|event| progress.fleet(&event),
            };
            let report = unlock_many(&world, tenants, &request, listener).await;
            drop(progress);
            console.show(&render_unlocks(&report));
            Ok(report.fleet.ending())
        }
    }
}

async fn plan(which: Which, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let selector = match which {
        Which::One(tenant) => {
            context.console().show(&render_lockdown_plan(&plan_unlock(&plane, &tenant).await?));
            return Ok(None);
        }
        Which::Many(selector) => selector,
    };
    let mut all = Vec::new();
    for tenant in select_many(&plane, &selector).await? {
        all.push(plan_unlock(&plane, &TenantRef::from(tenant.id)).await?);
    }
    context.console().show(&render_lockdown_plans(&all));
    Ok(None)
}

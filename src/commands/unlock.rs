//! `tenantctl unlock`.

use super::lockdown::show_plan;
use super::selection::{Which, named, which};
use crate::cli::LockArgs;
use crate::commands::context::Context;
use crate::model::Act;
use crate::output::{Ending, Failure, Progress, render_unlock, render_unlocks};
use crate::services::fleet::{Listener, select, unlock_many};
use crate::services::lockdown::{LockdownEvent, LockdownRequest, unlock};

/// Unlocks tenants: restores the flags that were set before the lockdown.
pub(super) async fn run(args: LockArgs, context: &Context) -> Result<Ending, Failure> {
    let which = which(args.named, args.selector)?;
    if args.dry_run {
        return show_plan(Act::Unlock, which, context).await;
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
            let tenants = select(&world.plane, &selector).await?;
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

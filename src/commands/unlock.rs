//! `tenantctl unlock`.

use super::lockdown::show_plan;
use super::records::Reported;
use super::selection::{Which, named, which};
use crate::cli::LockArgs;
use crate::commands::context::Context;
use crate::model::{Act, ErrorKind, Lock, TenantRef, instant};
use crate::output::{Cases, Ending, Failure, Progress, render_unlock, render_unlocks};
use crate::services::fleet::{Listener, select, unlock_many};
use crate::services::home::World;
use crate::services::lockdown::{LockdownEvent, LockdownPlan, LockdownRequest, Roll, plan, unlock};

const COMMAND: &str = "unlock";

/// Unlocks tenants: restores the flags that were set before the lockdown.
pub(super) async fn run(args: LockArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.record.junit.clone())?;
    records.of(Box::pin(give_back(args, context))).await
}

async fn give_back(args: LockArgs, context: &Context) -> Reported {
    let which = which(args.named, args.selector)?;
    if args.dry_run {
        return show_plan((Act::Unlock, COMMAND), which, context).await;
    }
    let request = LockdownRequest {
        reason: args.reason,
        actor: context.actor(),
        patience: context.patience,
        auth_admin: context.auth_admin()?,
        roll: Roll::default(),
    };
    let console = context.console();
    match which {
        Which::One(tenant) => {
            context.require_confirmation_possible("unlock a tenant")?;
            let world = context.world().await?;
            let question = question(&tenant, &world, context).await?;
            context.confirm_write("unlock a tenant", &question)?;
            let progress = Progress::new(console);
            let on_event = |event: LockdownEvent<'_>| {
                if let LockdownEvent::Begun([word]) = event {
                    let what = match *word {
                        "gate" => format!("{tenant} is unlocked, but its gate is not yet"),
                        _ => format!("{tenant} is still locked"),
                    };
                    context.interrupt().stands(what, ErrorKind::Incomplete);
                }
                progress.lockdown(event);
            };
            let unlocking = unlock(&world, &tenant, &request, context.interrupt(), &on_event);
            let report = Box::pin(unlocking).await?;
            drop(progress);
            console.show(&render_unlock(&report));
            let ending = report.ending();
            let (slug, took) = (&report.tenant.slug, report.elapsed);
            let did = if report.was_locked { "unlocked" } else { "it was not locked" };
            let short = ending.map(|kind| (kind, report.problems()));
            Ok((ending, Cases::of_one(COMMAND, slug, took, did, short)))
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
            Ok((report.fleet.ending(), Cases::of_fleet(COMMAND, &report.fleet)))
        }
    }
}

/// Returns what is asked before a tenant is unlocked: since when it is locked and why, and who gets in.
async fn question(named: &TenantRef, world: &World, context: &Context) -> Result<String, Failure> {
    let question = format!("Give `{named}` its access back?");
    if !context.asks() {
        return Ok(question);
    }
    let LockdownPlan { tenant, banned, .. } = plan(&world.plane, Act::Unlock, named).await?;
    let bans = match banned {
        0 => String::new(),
        1 => "; 1 user's ban is lifted".to_owned(),
        some => format!("; the bans of {some} users are lifted"),
    };
    Ok(match tenant.lock {
        None => format!("`{named}` is not locked in the control plane. {question}"),
        Some(Lock { since, by, reason, .. }) => {
            let since = instant(since);
            format!("Locked since {since} by {by}: {reason}{bans}. {question}")
        }
    })
}

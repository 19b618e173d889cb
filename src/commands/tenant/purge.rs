//! `tenantctl tenant purge`.

use std::slice::from_ref;

use crate::cli::PurgeArgs;
use crate::commands::context::Context;
use crate::model::{ErrorKind, TenantRef};
use crate::output::{
    Ending, Failure, Progress, render_due, render_due_plan, render_life_plan, render_purge,
};
use crate::services::tenant::{
    PurgeDueRequest, PurgeRequest, due, plan_purge, purge, purge_due, stakes,
};

/// The word to confirm with, in place of a slug, when every tenant that is due is purged.
const DUE: &str = "due";

/// Purges a deleted tenant, or all whose grace period is over.
pub(super) async fn run(args: PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    match &args.tenant {
        Some(tenant) => one(tenant, &args, context).await,
        None => all_due(&args, context).await,
    }
}

async fn one(tenant: &TenantRef, args: &PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if !args.dry_run {
        context.require_consent_possible(tenant, args.confirm.as_deref())?;
    }
    let world = context.world().await?;
    if args.dry_run {
        console.show(&render_life_plan(&plan_purge(&world.plane, tenant).await?));
        return Ok(None);
    }
    if args.confirm.is_none() {
        let plan = plan_purge(&world.plane, tenant).await?;
        let stakes = stakes(&world, from_ref(&plan.tenant), context.patience).await;
        console.show_affected(&plan, &stakes, None);
    }
    let consent = context.consent("destroy", tenant, args.confirm.as_deref())?;
    let request = PurgeRequest { consent, patience: context.patience, actor: context.actor() };
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report = purge(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_purge(&report));
    Ok(None)
}

async fn all_due(args: &PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if !args.dry_run {
        match args.confirm.as_deref() {
            Some(DUE) => {}
            Some(_) => {
                let message = "purge what is due: --confirm is not `due`";
                return Err(Failure::new(ErrorKind::Refused, message).hint("pass --confirm due"));
            }
            None => console.require_terminal("--confirm due (--yes is not enough)")?,
        }
    }
    let world = context.world().await?;
    let tenants = due(&world.plane).await?;
    if args.dry_run || tenants.is_empty() {
        console.show(&render_due_plan(&tenants));
        return Ok(None);
    }
    if args.confirm.is_none() {
        console.show_due(&tenants, &stakes(&world, &tenants, context.patience).await);
        let typed =
            console.ask(context.placed("Type `due` to destroy all of these"), "--confirm due")?;
        if typed.trim() != DUE {
            let message = "purge what is due: what was typed is not `due`";
            return Err(Failure::new(ErrorKind::Refused, message));
        }
    }
    let request = PurgeDueRequest { tenants, patience: context.patience, actor: context.actor() };
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report = purge_due(&world, request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_due(&report));
    Ok((!report.failed.is_empty()).then_some(ErrorKind::Partial))
}

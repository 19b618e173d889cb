//! `tenantctl tenant delete`.

use std::slice::from_ref;

use crate::cli::DeleteArgs;
use crate::commands::context::Context;
use crate::model::{Clock, SystemClock};
use crate::output::{Ending, Failure, Progress, render_delete, render_life_plan, render_purge};
use crate::services::tenant::{DeleteRequest, delete, destroy, plan_delete, plan_destroy, stakes};

/// Deletes a tenant: access ends, the data stays for the grace period. With `--purge`, destroys it
/// at once.
pub(super) async fn run(args: DeleteArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if !args.dry_run {
        context.require_consent_possible(&args.tenant, args.confirm.as_deref())?;
    }
    let world = context.world().await?;
    let plan = if args.purge {
        plan_destroy(&world.plane, &args.tenant).await?
    } else {
        plan_delete(&world.plane, &args.tenant).await?
    };
    if args.dry_run {
        console.show(&render_life_plan(&plan));
        return Ok(None);
    }
    if args.confirm.is_none() {
        let stakes = stakes(&world, from_ref(&plan.tenant), context.patience).await;
        let kept = (!args.purge).then(|| SystemClock.now() + args.grace);
        console.show_affected(&plan, &stakes, kept);
    }
    let what = if args.purge { "destroy" } else { "delete" };
    let consent = context.consent(what, &args.tenant, args.confirm.as_deref())?;
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let request = DeleteRequest {
        consent,
        grace: args.grace,
        patience: context.patience,
        actor: context.actor(),
    };
    if args.purge {
        let report = destroy(&world, &request, context.interrupt(), &on_event).await?;
        drop(progress);
        console.show(&render_purge(&report));
        return Ok(None);
    }
    let report = delete(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_delete(&report));
    Ok(None)
}

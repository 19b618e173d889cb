//! `tenantctl tenant create`.

use crate::cli::CreateArgs;
use crate::commands::Context;
use crate::model::Placement;
use crate::output::{Ending, Failure, Progress, render_create, render_create_plan};
use crate::services::tenant::{CreateRequest, create, plan_create};

/// Creates a tenant, or shows what creating it would do.
pub(super) async fn run(args: CreateArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("create a tenant")?;
    }
    let request = CreateRequest {
        slug: args.slug,
        id: args.id,
        name: args.name,
        plan: args.plan,
        labels: args.label.into_iter().map(|label| (label.key, label.value)).collect(),
        region: args.region,
        adopts: None,
        placement: context.settings().placement.value,
        sets: context.sets()?,
        migrates: !args.no_migrate,
        seed: context.seed_set(args.seed.as_deref())?,
        key: context.secret_key()?,
        patience: match context.settings().placement.value {
            Placement::Database => context.patience,
            Placement::Project => context.project_patience,
        },
        waits: !args.no_wait,
        actor: context.actor(),
    };
    let reach = context.reach().await?;
    let console = context.console();
    if args.dry_run {
        let plan = plan_create(&reach.plane, &request).await?;
        console.show(&render_create_plan(console, request.slug.as_str(), &plan));
        return Ok(None);
    }
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report =
        create(&reach.plane, &reach.places, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_create(console, &report));
    Ok(None)
}

//! `tenantctl tenant create`.

use crate::cli::{CreateArgs, NewTenantArgs};
use crate::commands::context::Context;
use crate::model::Placement;
use crate::output::{Ending, Failure, Progress, render_create, render_create_plan};
use crate::services::tenant::{CreateRequest, create, plan_create};

/// Creates a tenant, or shows what creating it would do.
pub(super) async fn run(args: CreateArgs, context: &Context) -> Result<Ending, Failure> {
    let placement = context.settings().placement.value;
    let request = CreateRequest {
        region: args.region,
        placement,
        migrates: !args.no_migrate,
        seed: context.seed_set(args.seed.as_deref())?,
        patience: context.patience_for(placement),
        waits: !args.no_wait,
        ..request_for(args.new, context)?
    };
    make(&request, args.dry_run, context).await
}

/// Returns the request for an empty database in the cluster, which `create` and `adopt` complete.
pub(super) fn request_for(new: NewTenantArgs, context: &Context) -> Result<CreateRequest, Failure> {
    Ok(CreateRequest {
        slug: new.slug,
        id: new.id,
        name: new.name,
        plan: new.plan,
        labels: new.label.into_iter().map(|label| (label.key, label.value)).collect(),
        region: None,
        adopts: None,
        placement: Placement::default(),
        sets: context.sets()?,
        migrates: false,
        baseline: None,
        seed: None,
        key: context.secret_key()?,
        patience: context.patience,
        waits: true,
        actor: context.actor(),
    })
}

/// Creates or adopts, or shows the plan.
pub(super) async fn make(
    request: &CreateRequest,
    is_dry_run: bool,
    context: &Context,
) -> Result<Ending, Failure> {
    let console = context.console();
    if is_dry_run {
        let world = context.world().await?;
        let plan = plan_create(&world, request).await?;
        console.show(&render_create_plan(request.slug.as_str(), &plan));
        return Ok(None);
    }
    context.allow_write(&format!("{} a tenant", request.act().word()))?;
    let world = context.world().await?;
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report = create(&world, request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_create(&report));
    Ok(None)
}

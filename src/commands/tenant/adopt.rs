//! `tenantctl tenant adopt`.

use crate::cli::AdoptArgs;
use crate::commands::Context;
use crate::model::Placement;
use crate::output::{Ending, Failure, Progress, render_create};
use crate::services::tenant::{CreateRequest, Existing, create};

/// Takes an existing database or project in as a tenant.
pub(super) async fn run(args: AdoptArgs, context: &Context) -> Result<Ending, Failure> {
    context.allow_write("adopt a tenant")?;
    let (adopts, placement, patience) = match args.project {
        Some(project) => {
            (Some(Existing::Project(project)), Placement::Project, context.project_patience)
        }
        None => (args.database.map(Existing::Database), Placement::Database, context.patience),
    };
    let request = CreateRequest {
        slug: args.slug,
        id: None,
        name: args.name,
        plan: None,
        labels: std::collections::BTreeMap::new(),
        region: None,
        adopts,
        placement,
        sets: context.sets()?,
        migrates: false,
        seed: None,
        key: context.secret_key()?,
        patience,
        waits: true,
        actor: context.actor(),
    };
    let reach = context.reach().await?;
    let progress = Progress::new(context.console());
    let on_event = |event| progress.step(&event);
    let report =
        create(&reach.plane, &reach.places, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    context.console().show(&render_create(context.console(), &report));
    Ok(None)
}

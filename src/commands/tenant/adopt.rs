//! `tenantctl tenant adopt`.

use super::create::make;
use crate::cli::AdoptArgs;
use crate::commands::Context;
use crate::model::Placement;
use crate::output::{Ending, Failure};
use crate::services::tenant::{CreateRequest, Existing};

/// Takes an existing database or project in as a tenant, or shows what that would do.
pub(super) async fn run(args: AdoptArgs, context: &Context) -> Result<Ending, Failure> {
    let (adopts, placement, patience) = match args.project {
        Some(project) => {
            (Some(Existing::Project(project)), Placement::Project, context.project_patience)
        }
        None => (args.database.map(Existing::Database), Placement::Database, context.patience),
    };
    let new = args.new;
    let request = CreateRequest {
        slug: new.slug,
        id: new.id,
        name: new.name,
        plan: new.plan,
        labels: new.label.into_iter().map(|label| (label.key, label.value)).collect(),
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
    make(&request, args.dry_run, context).await
}

//! `tenantctl tenant adopt`.

use super::create::{make, request_for};
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
    let request = CreateRequest { adopts, placement, patience, ..request_for(args.new, context)? };
    make(&request, args.dry_run, context).await
}

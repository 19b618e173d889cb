//! `tenantctl tenant adopt`.

use super::create::{make, request_for};
use crate::cli::AdoptArgs;
use crate::commands::context::Context;
use crate::model::SchemaVersion;
use crate::output::{Ending, Failure};
use crate::services::home::Existing;
use crate::services::tenant::CreateRequest;

/// Adopts an existing database or project as a tenant, or shows what that would do.
pub(super) async fn run(args: AdoptArgs, context: &Context) -> Result<Ending, Failure> {
    let adopts = match args.project {
        Some(project) => Some(Existing::Project(project)),
        None => args.database.map(Existing::Database),
    };
    let placement = adopts.as_ref().map(Existing::placement).unwrap_or_default();
    let patience = context.patience_for(placement);
    let baseline = args.baseline.map(SchemaVersion);
    let request =
        CreateRequest { adopts, placement, baseline, patience, ..request_for(args.new, context)? };
    make(&request, args.dry_run, context).await
}

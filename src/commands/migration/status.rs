//! `tenantctl migrate status`.

use crate::cli::StatusArgs;
use crate::commands::context::Context;
use crate::commands::selection::selector;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, render_migration_status};
use crate::services::fleet::{StatusRequest, status};

/// Shows which tenants lack migrations; exit code 10 when some do.
pub(super) async fn run(args: StatusArgs, context: &Context) -> Result<Ending, Failure> {
    let request = StatusRequest {
        selector: selector(args.selector, true)?,
        sets: context.sets()?,
        is_verified: args.verify,
        jobs: usize::from(args.jobs),
        patience: context.patience,
    };
    let world = context.world().await?;
    let report = status(&world, &request).await?;
    context.console().show(&render_migration_status(&report));
    Ok((report.differing() > 0).then_some(ErrorKind::Differences))
}

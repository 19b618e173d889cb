//! `tenantctl migrate status`.

use crate::cli::StatusArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::commands::selection::selector;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, Format, STATUS_COLUMNS, render_migration_status};
use crate::services::fleet::{StatusRequest, status};

/// Shows which tenants lack migrations; exit code 10 when some do.
pub(super) async fn run(args: StatusArgs, context: &Context) -> Result<Ending, Failure> {
    let arrangement = of_list(&args.shape, &STATUS_COLUMNS)?;
    let is_csv = context.console().format() == Format::Csv;
    let arrangement = if is_csv { arrangement.with_each() } else { arrangement };
    let request = StatusRequest {
        selector: selector(args.selector, true)?,
        sets: context.sets()?,
        is_verified: args.verify,
        jobs: usize::from(args.jobs),
        patience: context.patience,
    };
    let world = context.world().await?;
    let report = status(&world, &request).await?;
    context.console().show(&render_migration_status(&report, &arrangement));
    Ok((report.differing() > 0).then_some(ErrorKind::Differences))
}

//! `tenantctl migrate status`.

use std::rc::Rc;
use std::time::Instant;

use crate::cli::StatusArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::commands::records::Reported;
use crate::commands::selection::selector;
use crate::model::ErrorKind;
use crate::output::{
    Cases, Ending, Failure, Format, Progress, STATUS_COLUMNS, render_migration_status,
};
use crate::services::fleet::{StatusRequest, status};

const COMMAND: &str = "migrate status";

/// Shows which tenants lack migrations; exit code 10 when some do.
pub(super) async fn run(args: StatusArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.record.junit.clone())?;
    records.of(Box::pin(status_of_all(args, context))).await
}

async fn status_of_all(args: StatusArgs, context: &Context) -> Reported {
    let began = Instant::now();
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
    let progress = Progress::new(context.console());
    if request.is_verified {
        progress.doing("comparing the tenants' databases with a clean build");
    }
    let report = Rc::new(status(&world, &request).await?);
    drop(progress);
    context.console().show(&render_migration_status(&report, &arrangement));
    let ending = (report.differing() > 0).then_some(ErrorKind::Differences);
    Ok((ending, Cases::of_status(COMMAND, &report, began.elapsed())))
}

//! `tenantctl query`.

use super::context::Context;
use super::selection::selector;
use crate::cli::QueryArgs;
use crate::output::{Ending, Failure, Progress, render_query};
use crate::services::fleet::{QueryRequest, query};

/// Runs a statement in every selected tenant; exit code 9 when some failed.
pub(super) async fn run(args: QueryArgs, context: &Context) -> Result<Ending, Failure> {
    let request = QueryRequest {
        selector: selector(args.selector, false)?,
        statement: args.statement,
        limit: args.limit,
        jobs: usize::from(args.jobs),
        patience: context.patience,
        actor: context.actor(),
    };
    let world = context.world().await?;
    let console = context.console();
    let progress = Progress::new(console);
    let on_event = |event| progress.fleet(&event);
    let report = query(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_query(&report));
    Ok(report.fleet.ending())
}

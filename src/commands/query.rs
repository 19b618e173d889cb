//! `tenantctl query`.

use super::context::Context;
use super::records::Reported;
use super::selection::selector;
use crate::cli::QueryArgs;
use crate::output::{Cases, Ending, Failure, Progress, render_query};
use crate::services::fleet::{QueryRequest, query};

const COMMAND: &str = "query";

/// Runs a statement in every selected tenant; exit code 9 when some failed.
pub(super) async fn run(args: QueryArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.fleet.record.junit.clone())?;
    records.of(Box::pin(query_all(args, context))).await
}

async fn query_all(args: QueryArgs, context: &Context) -> Reported {
    let request = QueryRequest {
        selector: selector(args.selector, false)?.failing_on_skipped(args.fleet.fail_on_skipped),
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
    Ok((report.fleet.ending(), Cases::of_fleet(COMMAND, &report.fleet)))
}

//! `tenantctl seed apply`.

use crate::cli::SeedApplyArgs;
use crate::commands::context::Context;
use crate::commands::records::Reported;
use crate::commands::selection::selector;
use crate::output::{Cases, Ending, Failure, Progress, render_fleet};
use crate::services::fleet::{SeedRequest, apply_seeds};
use crate::services::migration::find_set;

const COMMAND: &str = "seed apply";

pub(super) async fn run(args: SeedApplyArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.fleet.record.junit.clone())?;
    records.of(Box::pin(apply_all(args, context))).await
}

async fn apply_all(args: SeedApplyArgs, context: &Context) -> Reported {
    if !args.dry_run {
        context.allow_write("apply sample data")?;
    }
    let request = SeedRequest {
        selector: selector(args.selector, false)?.failing_on_skipped(args.fleet.fail_on_skipped),
        set: find_set(context.seeds_folder(), &args.set)?,
        jobs: usize::from(args.jobs),
        is_dry_run: args.dry_run,
        patience: context.patience,
        actor: context.actor(),
    };
    let world = context.world().await?;
    let console = context.console();
    let progress = Progress::new(console);
    let on_event = |event| progress.fleet(&event);
    let report = apply_seeds(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_fleet(&report));
    Ok((report.ending(), Cases::of_fleet(COMMAND, &report)))
}

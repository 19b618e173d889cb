//! `tenantctl migrate apply`.

use super::lease::lease;
use crate::cli::ApplyArgs;
use crate::commands::context::Context;
use crate::commands::records::Reported;
use crate::commands::selection::selector;
use crate::model::SchemaVersion;
use crate::output::{Cases, Ending, Failure, Progress, render_fleet};
use crate::services::fleet::{ApplyRequest, Limits, apply};

const COMMAND: &str = "migrate apply";

pub(super) async fn run(args: ApplyArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.fleet.record.junit.clone())?;
    records.of(Box::pin(apply_all(args, context))).await
}

async fn apply_all(args: ApplyArgs, context: &Context) -> Reported {
    if !args.dry_run {
        context.allow_write("migrate tenants")?;
    }
    let request = ApplyRequest {
        selector: selector(args.selector, false)?.failing_on_skipped(args.fleet.fail_on_skipped),
        sets: context.sets()?,
        target: args.target.map(SchemaVersion),
        seed: context.seed_set(args.seed.as_deref())?,
        limits: Limits { canary: args.canary, max_failures: args.max_failures },
        jobs: usize::from(args.jobs),
        is_dry_run: args.dry_run,
        patience: context.patience,
        lease: lease(),
        actor: context.actor(),
        reason: args.reason,
    };
    let world = context.world().await?;
    let console = context.console();
    let progress = Progress::new(console);
    let on_event = |event| progress.fleet(&event);
    let report = apply(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_fleet(&report));
    Ok((report.ending(), Cases::of_fleet(COMMAND, &report)))
}

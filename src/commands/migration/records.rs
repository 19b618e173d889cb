//! `tenantctl migrate repair` and `tenantctl migrate baseline`.

use crate::cli::{BaselineArgs, RecordsArgs, RepairArgs};
use crate::commands::context::Context;
use crate::commands::records::Reported;
use crate::commands::selection::selector;
use crate::model::SchemaVersion;
use crate::output::{Cases, Ending, Failure, Progress, render_fleet};
use crate::services::fleet::{RecordsRequest, change_histories};
use crate::services::migration::RecordsChange;

/// Takes the checksums of files that were edited.
pub(super) async fn repair(args: RepairArgs, context: &Context) -> Result<Ending, Failure> {
    let versions = args.accept.into_iter().map(SchemaVersion).collect();
    run("migrate repair", RecordsChange::Accept(versions), args.change, context).await
}

/// Records what databases have already.
pub(super) async fn baseline(args: BaselineArgs, context: &Context) -> Result<Ending, Failure> {
    let change = RecordsChange::Baseline(SchemaVersion(args.at));
    run("migrate baseline", change, args.change, context).await
}

async fn run(
    command: &'static str,
    change: RecordsChange,
    args: RecordsArgs,
    context: &Context,
) -> Result<Ending, Failure> {
    let records = context.records(command, args.fleet.record.junit.clone())?;
    records.of(Box::pin(change_all(command, change, args, context))).await
}

async fn change_all(
    command: &'static str,
    change: RecordsChange,
    args: RecordsArgs,
    context: &Context,
) -> Reported {
    if !args.dry_run {
        context.allow_write("change migration histories")?;
    }
    let request = RecordsRequest {
        selector: selector(args.selector, false)?.failing_on_skipped(args.fleet.fail_on_skipped),
        sets: context.sets()?,
        change,
        reason: args.reason,
        jobs: usize::from(args.jobs),
        is_dry_run: args.dry_run,
        patience: context.patience,
        actor: context.actor(),
    };
    let world = context.world().await?;
    let console = context.console();
    let progress = Progress::new(console);
    let on_event = |event| progress.fleet(&event);
    let report = change_histories(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_fleet(&report));
    Ok((report.ending(), Cases::of_fleet(command, &report)))
}

//! `tenantctl migrate resume`.

use std::path::Path;

use super::lease::lease;
use crate::cli::ResumeArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Progress, render_fleet};
use crate::services::fleet::{ResumeRequest, resume_run};

pub(super) async fn run(args: ResumeArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("migrate tenants")?;
    }
    let request = ResumeRequest {
        run: args.run,
        is_for_failed: args.failed,
        sets: context.sets()?,
        seeds_folder: context.seeds_folder().map(Path::to_owned),
        jobs: usize::from(args.jobs),
        is_dry_run: args.dry_run,
        patience: context.patience,
        lease: lease(),
        actor: context.actor(),
    };
    let world = context.world().await?;
    let console = context.console();
    let progress = Progress::new(console);
    let on_event = |event| progress.fleet(&event);
    let report = resume_run(&world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_fleet(&report));
    Ok(report.ending())
}

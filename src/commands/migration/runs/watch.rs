//! `tenantctl migrate runs watch`.

use std::time::Duration;

use crate::cli::RunArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Progress, render_run};
use crate::services::fleet::{look_at_run, show_run};

/// How often it is looked where the run stands.
const LOOK: Duration = Duration::from_secs(1);

/// Follows a run until nothing more happens in it by itself.
pub(super) async fn run(args: RunArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let progress = Progress::new(context.console());
    loop {
        let standing = look_at_run(&plane, args.run).await?;
        progress.run(&standing);
        if !standing.run.state.is_going_on() && standing.counts.leased == 0 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(progress);
    let report = show_run(&plane, args.run).await?;
    context.console().show(&render_run(&report));
    Ok(None)
}

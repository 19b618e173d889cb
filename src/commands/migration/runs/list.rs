//! `tenantctl migrate runs list`.

use crate::cli::RunsListArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_runs};
use crate::services::fleet::list_runs;

pub(super) async fn run(args: RunsListArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let runs = list_runs(&plane, i64::from(args.limit)).await?;
    context.console().show(&render_runs(&runs));
    Ok(None)
}

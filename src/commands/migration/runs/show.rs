//! `tenantctl migrate runs show`.

use crate::cli::RunArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_run};
use crate::services::fleet::show_run;

pub(super) async fn run(args: RunArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let report = show_run(&plane, args.run).await?;
    context.console().show(&render_run(&report));
    Ok(None)
}

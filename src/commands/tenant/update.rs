//! `tenantctl tenant update`.

use crate::cli::UpdateArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_update};
use crate::services::tenant::{UpdateRequest, update};

pub(super) async fn run(args: UpdateArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("update a tenant")?;
    }
    let request = UpdateRequest {
        tenant: args.tenant,
        name: args.name,
        plan: args.plan,
        labels: args.label,
        actor: context.actor(),
        is_dry_run: args.dry_run,
    };
    let report = update(&context.plane().await?, &request).await?;
    context.console().show(&render_update(&report));
    Ok(None)
}

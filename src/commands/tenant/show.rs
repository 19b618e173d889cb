//! `tenantctl tenant show`.

use crate::cli::TenantArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_tenant};
use crate::services::tenant::show;

pub(super) async fn run(args: TenantArgs, context: &Context) -> Result<Ending, Failure> {
    let world = context.world().await?;
    let details = show(&world, &args.tenant, context.patience).await?;
    if let Some(why) = &details.unlooked {
        context.console().warn(&format!("not compared with what is there: {why}"));
    }
    context.console().show(&render_tenant(&details));
    Ok(None)
}

//! `tenantctl tenant show`.

use crate::cli::TenantArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_tenant};
use crate::services::tenant::show;

pub(super) async fn run(args: TenantArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let details = show(&plane, &args.tenant).await?;
    context.console().show(&render_tenant(&details));
    Ok(None)
}

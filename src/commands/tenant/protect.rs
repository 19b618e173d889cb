//! `tenantctl tenant protect` and `tenantctl tenant unprotect`.

use crate::cli::WriteTenantArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_protect, render_protect_plan};
use crate::services::tenant::{ProtectRequest, plan_protect, protect};

/// Switches a tenant's protection against deletion.
pub(super) async fn run(
    args: WriteTenantArgs,
    is_protected: bool,
    context: &Context,
) -> Result<Ending, Failure> {
    let console = context.console();
    let request = ProtectRequest { tenant: args.tenant, is_protected, actor: context.actor() };
    if args.dry_run {
        let report = plan_protect(&context.plane().await?, &request).await?;
        console.note("Nothing is changed; it would be:");
        console.show(&render_protect_plan(&report));
        return Ok(None);
    }
    context.allow_write("change a tenant's protection")?;
    let report = protect(&context.plane().await?, &request).await?;
    console.show(&render_protect(&report));
    Ok(None)
}

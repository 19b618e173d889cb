//! `tenantctl tenant protect` and `tenantctl tenant unprotect`.

use crate::cli::WriteSlugArgs;
use crate::commands::Context;
use crate::output::{Ending, Failure, render_protect};
use crate::services::tenant::{ProtectReport, protect, show};

/// Switches a tenant's protection against deletion.
pub(super) async fn run(
    args: WriteSlugArgs,
    is_protected: bool,
    context: &Context,
) -> Result<Ending, Failure> {
    let console = context.console();
    let report = if args.dry_run {
        let plane = context.plane().await?;
        let mut tenant = show(&plane, &args.slug).await?.tenant;
        let has_changed = tenant.is_protected != is_protected;
        tenant.is_protected = is_protected;
        console.note("Nothing is changed; it would be:");
        ProtectReport { tenant, has_changed }
    } else {
        context.allow_write("change a tenant's protection")?;
        let plane = context.plane().await?;
        protect(&plane, &args.slug, is_protected, &context.actor()).await?
    };
    console.show(&render_protect(&report));
    Ok(None)
}

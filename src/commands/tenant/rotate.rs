//! `tenantctl tenant rotate`.

use crate::cli::WriteTenantArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, Text, render_address, render_rotate_plan};
use crate::services::tenant::{RotateRequest, plan_rotate, rotate};

/// Gives a tenant's login a new password.
pub(super) async fn run(args: WriteTenantArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("rotate a password")?;
    }
    let key = context.secret_key()?;
    let world = context.world().await?;
    let console = context.console();
    let request = RotateRequest {
        tenant: args.tenant,
        key,
        patience: context.patience,
        actor: context.actor(),
    };
    if args.dry_run {
        let report = plan_rotate(&world, &request).await?;
        console.note("Would make a new password for this login:");
        console.show(&render_rotate_plan(&report));
        return Ok(None);
    }
    let report = rotate(&world, &request).await?;
    console.show(&render_address(&report.address));
    if !report.is_tried {
        let slug = &request.tenant;
        console.warn(&format!(
            "`{slug}` was locked down meanwhile, so the new password could not be tried"
        ));
    }
    if report.address.revealed.is_some() {
        console.warn(
            "no secret key is configured, so this password is not stored: it is shown this once",
        );
    } else {
        let next = format!("tenantctl tenant connect {}", request.tenant);
        console.note(Text::new().next_commands([next]));
    }
    Ok(None)
}

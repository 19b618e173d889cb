//! `tenantctl member add`.

use crate::cli::MemberAddArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_member_added};
use crate::services::member::{AddRequest, add};

pub(super) async fn run(args: MemberAddArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("add a member")?;
    }
    let request = AddRequest {
        tenant: args.tenant,
        user: args.user,
        role: args.role,
        actor: context.actor(),
        is_dry_run: args.dry_run,
    };
    let world = context.world().await?;
    let report = add(&world, &request).await?;
    context.console().show(&render_member_added(&report));
    Ok(report.ending())
}

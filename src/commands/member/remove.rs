//! `tenantctl member remove`.

use crate::cli::MemberRemoveArgs;
use crate::commands::context::Context;
use crate::model::UserRef;
use crate::output::{Ending, Failure, render_member_removed};
use crate::services::member::{RemoveRequest, remove};

pub(super) async fn run(args: MemberRemoveArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        let user = match &args.user {
            UserRef::Id(id) => id.to_string(),
            UserRef::Email(email) => email.to_string(),
        };
        let question = format!("Remove user {user} from `{}` for good?", args.tenant);
        context.confirm_write("remove a member", &question)?;
    }
    let request = RemoveRequest {
        tenant: args.tenant,
        user: args.user,
        reason: args.reason,
        actor: context.actor(),
        is_dry_run: args.dry_run,
        auth_admin: context.auth_admin()?,
    };
    let world = context.world().await?;
    let report = remove(&world, &request).await?;
    context.console().show(&render_member_removed(&report));
    Ok(report.ending())
}

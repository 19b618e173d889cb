//! `tenantctl session revoke`.

use crate::cli::SessionRevokeArgs;
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, render_revoke};
use crate::services::session::{RevokeRequest, Target, revoke};

/// Revokes one session, or all of a user, a tenant, or a user in a tenant.
pub(super) async fn run(args: SessionRevokeArgs, context: &Context) -> Result<Ending, Failure> {
    let (target, question) = match (args.jti, args.user, args.tenant) {
        (Some(jti), _, _) => {
            let question = format!("Revoke session {jti}?");
            (Target::Session(jti), question)
        }
        (None, Some(user), Some(slug)) => {
            let question = format!("Revoke every session of user {user} in `{slug}`?");
            (Target::UserInTenant(user, slug), question)
        }
        (None, Some(user), None) => {
            (Target::User(user), format!("Revoke every session of user {user}?"))
        }
        (None, None, Some(slug)) => {
            let question = format!("Revoke every session in `{slug}`?");
            (Target::Tenant(slug), question)
        }
        (None, None, None) => {
            return Err(Failure::new(ErrorKind::Usage, "revoke sessions: none are chosen"));
        }
    };
    if !args.dry_run {
        context.confirm_write("revoke sessions", &question)?;
    }
    let request = RevokeRequest {
        target,
        reason: args.reason,
        actor: context.actor(),
        is_dry_run: args.dry_run,
        has_admin_api: context.auth_admin()?.is_some(),
    };
    let world = context.world().await?;
    let report = revoke(&world, &request).await?;
    context.console().show(&render_revoke(&report));
    Ok(report.ending())
}

//! `tenantctl session revoke`.

use std::time::Instant;

use crate::cli::SessionRevokeArgs;
use crate::commands::context::Context;
use crate::commands::records::Reported;
use crate::commands::selection::{Which, is_chosen, named, which};
use crate::model::{ErrorKind, Selector, TenantRef, UserRef};
use crate::output::{Cases, Ending, Failure, Progress, render_revoke, render_revokes};
use crate::services::fleet::{Listener, revoke_many, select};
use crate::services::session::{RevokeRequest, Target, resolve_user, revoke};

/// Whose sessions are revoked.
enum Whose {
    User(UserRef),
    Tenant(TenantRef, Option<UserRef>),
    Tenants(Selector, Option<UserRef>),
}

const COMMAND: &str = "session revoke";

/// Revokes one session, or all of a user, of tenants, or of a user in tenants.
pub(super) async fn run(args: SessionRevokeArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.record.junit.clone())?;
    records.of(Box::pin(revoke_all(args, context))).await
}

async fn revoke_all(args: SessionRevokeArgs, context: &Context) -> Reported {
    let request = RevokeRequest {
        reason: args.reason,
        actor: context.actor(),
        is_dry_run: args.dry_run,
        has_admin_api: context.auth_admin()?.is_some(),
    };
    if let Some(jti) = args.jti {
        let question = format!("Revoke session {jti}?");
        return one(Target::Session(jti), &question, &request, context).await;
    }
    let whose = match (args.user, is_chosen(&args.selector)) {
        (Some(user), false) => Whose::User(user),
        (user, true) => match which(Vec::new(), args.selector)? {
            Which::One(tenant) => Whose::Tenant(tenant, user),
            Which::Many(selector) => Whose::Tenants(selector, user),
        },
        (None, false) => {
            let message = "revoke sessions: none are chosen";
            return Err(Failure::new(ErrorKind::Usage, message)
                .hint("pass --jti JTI, --user USER, or a selector such as --tenant TENANT"));
        }
    };
    if !request.is_dry_run {
        context.require_confirmation_possible("revoke sessions")?;
    }
    let of = |user: &Option<UserRef>| {
        user.as_ref().map_or(String::new(), |user| format!(" of user {user}"))
    };
    match whose {
        Whose::User(user) => {
            let question = format!("Revoke every session of user {user}?");
            let user = context.user(&user).await?;
            one(Target::User(user), &question, &request, context).await
        }
        Whose::Tenant(tenant, user) => {
            let question = format!("Revoke every session{} in `{tenant}`?", of(&user));
            let target = match user {
                None => Target::Tenant(tenant),
                Some(user) => Target::UserInTenant(context.user(&user).await?, tenant),
            };
            one(target, &question, &request, context).await
        }
        Whose::Tenants(selector, user) => many(&selector, user, &request, context).await,
    }
}

async fn one(
    target: Target,
    question: &str,
    request: &RevokeRequest,
    context: &Context,
) -> Reported {
    let began = Instant::now();
    let asks = !request.is_dry_run && context.asks();
    if !request.is_dry_run {
        context.require_confirmation_possible("revoke sessions")?;
    }
    let world = context.world().await?;
    if asks {
        // What is asked is what it would do, with its number.
        let counted = RevokeRequest { is_dry_run: true, ..request.clone() };
        let sessions = revoke(&world, &target, &counted).await?.sessions;
        let question = format!("{question} {sessions} recorded and valid.");
        context.confirm_write("revoke sessions", &question)?;
    } else if !request.is_dry_run {
        context.confirm_write("revoke sessions", question)?;
    }
    let report = revoke(&world, &target, request).await?;
    context.console().show(&render_revoke(&report));
    let name = match &report.tenant {
        Some(tenant) => tenant.to_string(),
        None => COMMAND.to_owned(),
    };
    let did = format!("{} sessions were valid", report.sessions);
    let short = report.ending().map(|kind| (kind, report.problems()));
    Ok((report.ending(), Cases::of_one(COMMAND, name, began.elapsed(), did, short)))
}

async fn many(
    selector: &Selector,
    user: Option<UserRef>,
    request: &RevokeRequest,
    context: &Context,
) -> Reported {
    let world = context.world().await?;
    let user = match user {
        None => None,
        Some(user) => Some(resolve_user(&world.plane, &user).await?),
    };
    let tenants = select(&world.plane, selector).await?;
    if !request.is_dry_run {
        let of = user.map_or(String::new(), |user| format!(" of user {user}"));
        let question = format!("Revoke every session{of} in {}?", named("tenants", &tenants));
        context.confirm_write("revoke sessions", &question)?;
    }
    let progress = Progress::new(context.console());
    let listener =
        Listener { interrupt: context.interrupt(), on_event: &|event| progress.fleet(&event) };
    let target = |tenant: TenantRef| match user {
        None => Target::Tenant(tenant),
        Some(user) => Target::UserInTenant(user, tenant),
    };
    let report = revoke_many(&world, tenants, request, target, listener).await;
    drop(progress);
    context.console().show(&render_revokes(&report));
    Ok((report.fleet.ending(), Cases::of_fleet(COMMAND, &report.fleet)))
}

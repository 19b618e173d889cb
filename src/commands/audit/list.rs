//! `tenantctl audit list`.

use crate::cli::AuditListArgs;
use crate::commands::arrangement::of_table;
use crate::commands::context::Context;
use crate::output::{AUDIT_COLUMNS, Ending, Failure, render_audit};
use crate::services::audit::{ListRequest, list};
use crate::services::session::resolve_user;

pub(super) async fn run(args: AuditListArgs, context: &Context) -> Result<Ending, Failure> {
    let arrangement = of_table(&args.table, &AUDIT_COLUMNS)?;
    let plane = context.plane().await?;
    let user = match &args.user {
        None => None,
        Some(user) => Some(resolve_user(&plane, user).await?),
    };
    let request = ListRequest {
        tenant: args.tenant,
        user,
        actor: args.actor.map(|actor| actor.to_string()),
        action: args.action.map(|act| act.audit_action().to_owned()),
        outcome: args.outcome.and_then(|word| word.parse().ok()),
        since: args.since,
        until: args.until,
        raw: args.raw,
        limit: i64::from(args.limit),
    };
    let rows = list(&plane, &request).await?;
    context.console().show(&render_audit(&rows).arranged(&arrangement));
    Ok(None)
}

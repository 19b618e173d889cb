//! `tenantctl audit list`.

use crate::cli::AuditListArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_audit};
use crate::services::audit::{ListRequest, list};

pub(super) async fn run(args: AuditListArgs, context: &Context) -> Result<Ending, Failure> {
    let request = ListRequest {
        tenant: args.tenant,
        action: args.action,
        since: None,
        limit: i64::from(args.limit),
    };
    let plane = context.plane().await?;
    let rows = list(&plane, &request).await?;
    context.console().show(&render_audit(&rows));
    Ok(None)
}

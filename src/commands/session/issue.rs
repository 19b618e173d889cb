//! `tenantctl session issue`.

use crate::cli::SessionIssueArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_issue};
use crate::services::session::{IssueRequest, issue};

pub(super) async fn run(args: SessionIssueArgs, context: &Context) -> Result<Ending, Failure> {
    if !args.dry_run {
        context.allow_write("issue a session")?;
    }
    let request = IssueRequest {
        user: args.user,
        tenant: args.tenant,
        ttl: args.ttl,
        ip: args.ip,
        device: args.device,
        metadata: args.metadata,
        is_dry_run: args.dry_run,
    };
    let plane = context.plane().await?;
    let report = issue(&plane, &request).await?;
    context.console().show(&render_issue(&report));
    Ok(None)
}

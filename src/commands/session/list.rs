//! `tenantctl session list`.

use crate::cli::SessionListArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, SESSION_COLUMNS, render_sessions};
use crate::services::session::{ListRequest, list};

/// Lists sessions, newest first.
pub(super) async fn run(args: SessionListArgs, context: &Context) -> Result<Ending, Failure> {
    let arrangement = of_list(&args.shape, &SESSION_COLUMNS)?;
    let request = ListRequest { user: args.user, tenant: args.tenant, all: args.all };
    let plane = context.plane().await?;
    let report = list(&plane, &request).await?;
    context.console().show(&render_sessions(&report).arranged(&arrangement));
    Ok(None)
}

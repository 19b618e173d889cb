//! `tenantctl member list`.

use crate::cli::MemberListArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_members};
use crate::services::member::{ListRequest, list};

pub(super) async fn run(args: MemberListArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let report = list(&plane, &ListRequest { tenant: args.tenant }).await?;
    context.console().show(&render_members(&report));
    Ok(None)
}

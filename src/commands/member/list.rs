//! `tenantctl member list`.

use crate::cli::MemberListArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, MEMBER_COLUMNS, render_members};
use crate::services::member::{ListRequest, list};

pub(super) async fn run(args: MemberListArgs, context: &Context) -> Result<Ending, Failure> {
    let arrangement = of_list(&args.shape, &MEMBER_COLUMNS)?;
    let plane = context.plane().await?;
    let report = list(&plane, &ListRequest { tenant: args.tenant }).await?;
    context.console().show(&render_members(&report).arranged(&arrangement));
    Ok(None)
}

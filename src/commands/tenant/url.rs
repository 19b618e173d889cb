//! `tenantctl tenant url`.

use crate::cli::UrlArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_address};
use crate::services::tenant::address;

pub(super) async fn run(args: UrlArgs, context: &Context) -> Result<Ending, Failure> {
    let key = if args.reveal { context.secret_key()? } else { None };
    let world = context.world().await?;
    let reveals = args.reveal.then_some(key.as_ref());
    let report = address(&world, &args.slug, reveals).await?;
    context.console().show(&render_address(&report));
    Ok(None)
}

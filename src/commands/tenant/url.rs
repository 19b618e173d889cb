//! `tenantctl tenant url`.

use crate::cli::UrlArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_address};
use crate::services::tenant::{Password, address};

pub(super) async fn run(args: UrlArgs, context: &Context) -> Result<Ending, Failure> {
    let key = if args.reveal { context.secret_key()? } else { None };
    let world = context.world().await?;
    let password = if args.reveal { Password::Revealed(key.as_ref()) } else { Password::Masked };
    let report = address(&world, &args.tenant, password).await?;
    if let Some(warning) = report.warning() {
        context.console().warn(&warning);
    }
    context.console().show(&render_address(&report));
    Ok(None)
}

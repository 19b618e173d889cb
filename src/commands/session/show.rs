//! `tenantctl session show`.

use crate::cli::SessionJtiArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_session};
use crate::services::session::show;

pub(super) async fn run(args: SessionJtiArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let session = show(&plane, &args.jti).await?;
    context.console().show(&render_session(&session));
    Ok(None)
}

//! `tenantctl session check`.

use crate::cli::SessionJtiArgs;
use crate::commands::context::Context;
use crate::model::{ErrorKind, SessionState};
use crate::output::{Ending, Failure, render_check};
use crate::services::session::check;

/// Says whether a session is valid; exit code 11 when it is not.
pub(super) async fn run(args: SessionJtiArgs, context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let state = check(&plane, &args.jti).await?;
    context.console().show(&render_check(&args.jti, state));
    Ok((state != SessionState::Valid).then_some(ErrorKind::Rejected))
}

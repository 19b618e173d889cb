//! `tenantctl token verify`.

use super::input;
use crate::cli::TokenVerifyArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_verdict, warn_about_keys};
use crate::services::token::{Depth, Outcome};

/// Says whether a token is valid; exit code 11 when it is not.
pub(super) async fn run(args: TokenVerifyArgs, context: &Context) -> Result<Ending, Failure> {
    let examination = input::examine(args, context, Depth::Verdict).await?;
    warn_about_keys(context.console(), examination.keys.as_ref());
    if examination.verdict.outcome() == Outcome::Undecided
        && let Some(obstacle) = examination.verdict.obstacle()
    {
        return Err(input::cannot_verify(obstacle));
    }
    context.console().show(&render_verdict(&examination));
    Ok(examination.ending())
}

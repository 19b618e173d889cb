//! `tenantctl token explain`.

use super::input;
use crate::cli::TokenVerifyArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_explanation, warn_about_keys};
use crate::services::token::Depth;

pub(super) async fn run(args: TokenVerifyArgs, context: &Context) -> Result<Ending, Failure> {
    let examination = input::examine(args, context, Depth::EveryCheck).await?;
    warn_about_keys(context.console(), examination.keys.as_ref());
    context.console().show(&render_explanation(&examination));
    Ok(examination.ending())
}

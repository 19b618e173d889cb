//! `tenantctl jwks show`.

use crate::cli::JwksArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_keys, warn_about_keys};

pub(super) async fn run(args: JwksArgs, context: &Context) -> Result<Ending, Failure> {
    let keys = context.required_jwks(args.jwks)?.keys(None).await?;
    warn_about_keys(context.console(), Some(&keys));
    context.console().show(&render_keys(&keys));
    Ok(None)
}

//! `tenantctl jwks refresh`.

use crate::cli::JwksArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_keys, warn_about_keys};

/// Fetches the keys from the endpoint, whatever the copy on disk holds.
pub(super) async fn run(args: JwksArgs, context: &Context) -> Result<Ending, Failure> {
    let keys = context.required_jwks(args.jwks)?.refresh().await?;
    warn_about_keys(context.console(), Some(&keys));
    context.console().show(&render_keys(&keys));
    Ok(None)
}

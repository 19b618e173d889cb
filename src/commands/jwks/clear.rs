//! `tenantctl jwks clear`.

use crate::cli::JwksArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_keys_cleared};

/// Removes the copy on disk; the endpoint is not asked.
pub(super) fn run(args: JwksArgs, context: &Context) -> Result<Ending, Failure> {
    let jwks = context.required_jwks(args.jwks)?;
    let was_there = jwks.clear()?;
    let view = render_keys_cleared(&jwks.source().to_string(), was_there);
    context.console().show(&view);
    Ok(None)
}

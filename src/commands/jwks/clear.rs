//! `tenantctl jwks clear`.

use crate::cli::JwksClearArgs;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_keys_clear_plan, render_keys_cleared};

/// Removes the copy on disk; the endpoint is not asked.
pub(super) fn run(args: JwksClearArgs, context: &Context) -> Result<Ending, Failure> {
    let jwks = context.required_jwks(args.jwks.jwks)?;
    if args.dry_run {
        let view = render_keys_clear_plan(&jwks.source().to_string(), jwks.is_kept());
        context.console().show(&view);
        return Ok(None);
    }
    let was_there = jwks.clear()?;
    let view = render_keys_cleared(&jwks.source().to_string(), was_there);
    context.console().show(&view);
    Ok(None)
}

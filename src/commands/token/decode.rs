//! `tenantctl token decode`.

use super::input;
use crate::cli::TokenInputArgs;
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, render_decoded};

/// Shows the header and the claims of a token; verifies nothing.
pub(super) fn run(args: &TokenInputArgs, context: &Context) -> Result<Ending, Failure> {
    let token = input::read(args, context.console())?;
    if token.header().is_none() && token.claims().is_none() {
        let problem = token.problem().map(ToString::to_string).unwrap_or_default();
        return Err(Failure::new(ErrorKind::Rejected, format!("decode the token: {problem}")));
    }
    context.console().show(&render_decoded(&token));
    let is_whole = token.header().is_some() && token.claims().is_some();
    Ok((!is_whole).then_some(ErrorKind::Rejected))
}

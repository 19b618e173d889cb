//! `tenantctl local down`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_down};

/// Stops the private local Postgres.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let down = context.local_server().down().await?;
    context.console().show(&render_down(&down));
    Ok(None)
}

//! `tenantctl local down`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_down};
use crate::services::local::down;

/// Stops the private local Postgres.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let down = down(&context.local_server()).await?;
    context.console().show(&render_down(&down));
    Ok(None)
}

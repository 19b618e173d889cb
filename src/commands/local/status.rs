//! `tenantctl local status`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_status};
use crate::services::local::status;

/// Shows how the private local Postgres stands.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let status = status(&context.local_server()).await?;
    context.console().show(&render_status(&status));
    Ok(None)
}

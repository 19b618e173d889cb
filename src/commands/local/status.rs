//! `tenantctl local status`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_status};

pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let status = context.local_server()?.status().await?;
    context.console().show(&render_status(&status));
    Ok(None)
}

//! `tenantctl local down`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_down};

pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let down = context.local_server()?.down().await?;
    context.console().show(&render_down(&down));
    Ok(None)
}

//! `tenantctl audit export`.

use crate::commands::context::Context;
use crate::output::{AuditLines, Ending, Failure};
use crate::services::audit::export;

pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let mut lines = AuditLines::new(context.console());
    // A reader that closes the pipe, as `head` does, has what it wanted.
    if export(&plane, |page| lines.page_or_stop(&page)).await?.is_ok() {
        lines.finish();
    }
    Ok(None)
}

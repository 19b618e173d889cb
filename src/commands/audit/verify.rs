//! `tenantctl audit verify`.

use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, render_audit_verify};
use crate::services::audit::verify;

/// Recomputes the hash chain; exit code 10 when it is broken.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let plane = context.plane().await?;
    let report = verify(&plane).await?;
    context.console().show(&render_audit_verify(&report));
    Ok(report.first_break.map(|_| ErrorKind::Differences))
}

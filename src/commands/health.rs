//! `tenantctl health`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_health};
use crate::services::health::{HealthRequest, check};
use crate::services::migration::Sets;

/// Checks that every server we depend on answers.
pub(super) async fn run(context: &Context) -> Result<Ending, Failure> {
    let control_plane = context.control_plane_endpoint()?;
    // What cannot be read here fails no monitor: then nobody is said to be behind.
    let sets = context.own_migrations(None).ok().and_then(|own| Sets::load(own.as_ref()).ok());
    let request = HealthRequest {
        cluster: context.cluster_endpoint(&control_plane)?,
        control_plane,
        start_it: context.settings().control_plane_url.is_none().then_some("tenantctl local up"),
        projects: context.projects()?,
        jwks: context.jwks(None)?,
        fingerprint: sets.map(|sets| sets.head().fingerprint),
        patience: context.patience,
    };
    let report = check(&request).await;
    context.console().show(&render_health(&report));
    Ok(report.ending())
}

//! `migrate status`: compares what the control plane recorded, or with `--verify` the histories in
//! the databases.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::report::{HistoryLine, StatusReport, StatusStanding, TenantStanding};
use super::select::{enter, reason_to_skip, select};
use crate::model::{SchemaVersion, Selector, Tenant};
use crate::services::home::World;
use crate::services::migration::{MigrationError, Sets, inspect};

#[derive(Debug)]
pub(crate) struct StatusRequest {
    pub selector: Selector,
    pub sets: Sets,
    /// Whether to open the databases and compare their own histories.
    pub is_verified: bool,
    pub jobs: usize,
    /// How long one database may take.
    pub patience: Duration,
}

/// Compares the selected tenants with the migrations of this binary.
///
/// # Errors
/// When a named tenant does not exist. What is wrong with a single tenant is in the report.
pub(crate) async fn status(
    world: &World,
    request: &StatusRequest,
) -> Result<StatusReport, MigrationError> {
    let tenants = select(&world.plane, &request.selector).await?;
    let head = request.sets.head();
    let looks = tenants.into_iter().map(|tenant| async {
        let (standing, history) = if request.is_verified {
            look_inside(world, request, &tenant).await
        } else {
            (by_record(&request.sets, &tenant), None)
        };
        TenantStanding {
            tenant: tenant.slug,
            status: tenant.status,
            recorded: tenant.schema,
            standing,
            history,
        }
    });
    let mut standings: Vec<_> =
        stream::iter(looks).buffer_unordered(request.jobs.max(1)).collect().await;
    standings.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    Ok(StatusReport { head, tenants: standings, is_verified: request.is_verified })
}

fn by_record(sets: &Sets, tenant: &Tenant) -> StatusStanding {
    let Some(schema) = &tenant.schema else {
        return StatusStanding::Behind(sets.domain.records().len());
    };
    if schema.fingerprint == sets.head().fingerprint {
        return StatusStanding::Current;
    }
    let at = schema.version.unwrap_or(SchemaVersion(0));
    match sets.domain.records().iter().filter(|record| record.version > at).count() {
        0 => StatusStanding::Diverged(format!(
            "recorded at {at} with fingerprint {}, which is not that of our migrations up to {at}",
            schema.fingerprint
        )),
        pending => StatusStanding::Behind(pending),
    }
}

async fn look_inside(
    world: &World,
    request: &StatusRequest,
    tenant: &Tenant,
) -> (StatusStanding, Option<Vec<HistoryLine>>) {
    if let Some(reason) = reason_to_skip(tenant).filter(|reason| reason != "locked") {
        return (StatusStanding::Unknown(reason), None);
    }
    let deadline = tokio::time::Instant::now() + request.patience;
    let looking = async {
        let mut database = enter(world, tenant, deadline).await?;
        let found = inspect(&mut database, &request.sets).await?;
        database.close().await;
        Ok::<_, MigrationError>(found)
    };
    match tokio::time::timeout(request.patience, looking).await {
        Err(_elapsed) => (StatusStanding::Unknown("it did not answer in time".to_owned()), None),
        Ok(Err(MigrationError::Diverged { divergence, .. })) => {
            (StatusStanding::Diverged(divergence.to_string()), None)
        }
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let text = format!("failed to {error}{}", cause.unwrap_or_default());
            (StatusStanding::Unknown(text), None)
        }
        Ok(Ok((history, schema, missing))) => {
            let lines = history
                .into_iter()
                .map(|row| HistoryLine { record: row.record, applied_at: row.applied_at })
                .collect();
            let standing = match (missing.len(), &tenant.schema) {
                (0, Some(recorded)) if *recorded != schema => StatusStanding::Diverged(format!(
                    "the database stands at {}, the control plane recorded {}",
                    shown(schema.version),
                    shown(recorded.version)
                )),
                (0, _) => StatusStanding::Current,
                (pending, _) => StatusStanding::Behind(pending),
            };
            (standing, Some(lines))
        }
    }
}

fn shown(version: Option<SchemaVersion>) -> String {
    version.map_or_else(|| "no version".to_owned(), |version| version.to_string())
}

//! `migrate status`: compares what the control plane recorded, or with `--verify` the histories and
//! the catalogs in the databases.

use futures_util::{StreamExt, stream};

use super::report::{HistoryLine, StatusReport, StatusStanding, TenantStanding};
use super::select::{LOCKED, enter_seeing, reason_to_skip, select, select_as};
use crate::adapters::server::Sight;
use crate::model::{Classified, Patience, SchemaVersion, Selector, Tenant, TenantNames};
use crate::services::home::World;
use crate::services::migration::{
    CatalogStanding, CleanBuilds, MigrationError, Sets, inspect, judge,
};

#[derive(Debug)]
pub(crate) struct StatusRequest {
    pub selector: Selector,
    pub sets: Sets,
    /// Whether to open the databases and compare their own histories and catalogs.
    pub is_verified: bool,
    pub jobs: usize,
    /// How long one database may take.
    pub patience: Patience,
}

/// Compares the selected tenants with the migrations of this binary.
///
/// # Errors
/// When a named tenant does not exist. What is wrong with a single tenant is in the report.
pub(crate) async fn status(
    world: &World,
    request: &StatusRequest,
) -> Result<StatusReport, MigrationError> {
    let head = request.sets.head();
    let is_everybody = request.selector.is_everybody() && request.selector.exclude.is_empty();
    if !request.is_verified {
        let by_record = |tenant| standing(Seen::without(by_record(&request.sets, &tenant)), tenant);
        let tenants = select_as(&world.plane, &request.selector, by_record).await?;
        return Ok(StatusReport { head, tenants, is_verified: false, is_everybody });
    }
    let tenants = select(&world.plane, &request.selector).await?;
    let clean = CleanBuilds::new(world, &request.sets);
    let mut looks = tenants.into_iter().map(|tenant| async {
        let tenant = tenant;
        standing(look_inside(&clean, world, request, &tenant).await, tenant)
    });
    let mut standings = Vec::new();
    // Alone: it has the clean build made, which needs connections that the others would hold while
    // they wait for it.
    if let Some(first) = looks.next() {
        standings.push(first.await);
    }
    let rest = stream::iter(looks).buffer_unordered(request.jobs.max(1));
    standings.extend(rest.collect::<Vec<_>>().await);
    standings.sort_by(|a, b| a.tenant.slug.cmp(&b.tenant.slug));
    Ok(StatusReport { head, tenants: standings, is_verified: true, is_everybody })
}

fn standing(Seen { standing, history, catalog }: Seen, tenant: Tenant) -> TenantStanding {
    TenantStanding {
        tenant: TenantNames::from(&tenant),
        status: tenant.status,
        recorded: tenant.schema,
        standing,
        history,
        catalog,
    }
}

fn by_record(sets: &Sets, tenant: &Tenant) -> StatusStanding {
    let Some(schema) = &tenant.schema else {
        return StatusStanding::Behind(sets.domain.records().len());
    };
    if schema.fingerprint == sets.head().fingerprint {
        return StatusStanding::Current;
    }
    let at = schema.version.unwrap_or(SchemaVersion(0));
    let records = sets.domain.records();
    let is_known = schema.version.is_none() || records.iter().any(|record| record.version == at);
    match records.iter().filter(|record| record.version > at).count() {
        _ if !is_known => {
            StatusStanding::Diverged(format!("recorded at {at}, which our migrations do not have"))
        }
        0 => StatusStanding::Diverged(format!(
            "recorded at {at} with fingerprint {}, which is not that of our migrations up to {at}",
            schema.fingerprint
        )),
        pending => StatusStanding::Behind(pending),
    }
}

/// What was seen of one tenant.
struct Seen {
    standing: StatusStanding,
    history: Option<Vec<HistoryLine>>,
    catalog: Option<CatalogStanding>,
}

impl Seen {
    /// Nothing but how it stands.
    fn without(standing: StatusStanding) -> Self {
        Self { standing, history: None, catalog: None }
    }
}

async fn look_inside(
    clean: &CleanBuilds<'_>,
    world: &World,
    request: &StatusRequest,
    tenant: &Tenant,
) -> Seen {
    if let Some(reason) = reason_to_skip(tenant).filter(|reason| reason != LOCKED) {
        return Seen::without(StatusStanding::Unknown(reason));
    }
    let deadline = request.patience.until();
    let looking = async {
        let expected = clean.usual(&request.sets.head()).await;
        let sight = Sight::Everything { expected: expected.as_deref() };
        let mut database = enter_seeing(world, tenant, sight, deadline).await?;
        let found = inspect(&mut database, &request.sets).await?;
        let (_, schema, missing) = &found;
        let exposed = judge(database.exposure().await?.findings.0, &request.sets);
        let catalog = if !exposed.is_empty() {
            CatalogStanding::Differs(exposed.into_iter().map(|found| found.what).collect())
        } else if missing.iter().any(|record| record.version == SchemaVersion::UNNUMBERED) {
            let why = "its functions are not those of this tenantctl".to_owned();
            CatalogStanding::NotCompared(why)
        } else {
            Box::pin(clean.compare(tenant, &mut database, schema, deadline)).await?
        };
        database.close().await;
        Ok::<_, MigrationError>((found, catalog))
    };
    match tokio::time::timeout_at(deadline, looking).await {
        Err(_elapsed) => {
            Seen::without(StatusStanding::Unknown("it did not answer in time".to_owned()))
        }
        Ok(Err(MigrationError::Diverged { divergence, .. })) => {
            Seen::without(StatusStanding::Diverged(divergence.to_string()))
        }
        Ok(Err(error)) => {
            let text = format!("failed to {}", error.chain().join(": "));
            Seen::without(StatusStanding::Unknown(text))
        }
        Ok(Ok(((history, schema, missing), catalog))) => {
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
                (0, _) => match differing(tenant, &catalog) {
                    Some(found) => StatusStanding::Differs(found),
                    None => StatusStanding::Current,
                },
                (pending, _) => StatusStanding::Behind(pending),
            };
            Seen { standing, history: Some(lines), catalog: Some(catalog) }
        }
    }
}

/// Returns what differs and should not; a lockdown takes the login its way in.
fn differing(tenant: &Tenant, catalog: &CatalogStanding) -> Option<Vec<String>> {
    let CatalogStanding::Differs(found) = catalog else { return None };
    let is_cut = |what: &&String| {
        what.starts_with("grant of CONNECT on the database to the login")
            && what.ends_with("missing")
    };
    let is_locked = tenant.is_locked();
    let found: Vec<_> = found.iter().filter(|what| !(is_locked && is_cut(what))).cloned().collect();
    (!found.is_empty()).then_some(found)
}

fn shown(version: Option<SchemaVersion>) -> String {
    version.map_or_else(|| "no version".to_owned(), |version| version.to_string())
}

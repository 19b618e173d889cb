//! Brings one tenant's database up to date.

use tokio::time::Instant;

use super::error::MigrationError;
use super::plan::{self, pending};
use super::sets::Sets;
use crate::adapters::postgres::{Applied, History, MigrationSet};
use crate::adapters::server::TenantDatabase;
use crate::model::{MigrationRecord, SchemaState, SchemaVersion};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brought {
    /// The domain's migrations that were applied, in order; those of the gate are not listed.
    pub applied: Vec<MigrationRecord>,
    /// The database's version and fingerprint afterwards.
    pub schema: SchemaState,
}

/// Applies what is pending, gate first, while holding the lock of the database's migrations.
///
/// # Errors
/// When the history contradicts ours, another process holds the lock until the deadline, or a
/// migration fails; those before it stay applied and recorded.
pub(crate) async fn bring_up(
    database: &mut TenantDatabase,
    sets: &Sets,
    target: Option<SchemaVersion>,
    deadline: Instant,
) -> Result<Brought, MigrationError> {
    database.lock(deadline).await?;
    let (gate, _) = bring_set_up(database, &sets.gate, None).await?;
    let (domain, applied) = bring_set_up(database, &sets.domain, target).await?;
    Ok(Brought { applied, schema: plan::state_of(&gate, &domain) })
}

/// Applies the gate's migrations only: the stamp needs their tables.
pub(crate) async fn raise_gate(
    database: &mut TenantDatabase,
    sets: &Sets,
    deadline: Instant,
) -> Result<SchemaState, MigrationError> {
    database.lock(deadline).await?;
    let (gate, _) = bring_set_up(database, &sets.gate, None).await?;
    let history = database.history(&sets.domain).await?;
    Ok(plan::state_of(&gate, &history.records()))
}

/// Returns what a database has of the gate, its functions too, and whether something of it is pending.
///
/// # Errors
/// When its history contradicts ours.
pub(super) async fn gate_records(
    database: &mut TenantDatabase,
    sets: &Sets,
) -> Result<(Vec<MigrationRecord>, bool), MigrationError> {
    let history = database.history(&sets.gate).await?;
    let mut gate = history.records();
    let is_pending = !compare(&sets.gate, &gate)?.is_empty()
        || functions_missing(&sets.gate, &history)?.is_some();
    gate.extend(functions_of(&history));
    Ok((gate, is_pending))
}

/// Returns the domain's history, the database's version and fingerprint, and what is pending;
/// changes nothing.
///
/// # Errors
/// When its history contradicts ours.
pub(crate) async fn inspect(
    database: &mut TenantDatabase,
    sets: &Sets,
) -> Result<(Vec<Applied>, SchemaState, Vec<MigrationRecord>), MigrationError> {
    let history = database.history(&sets.gate).await?;
    let mut gate = history.records();
    let mut missing = compare(&sets.gate, &gate)?;
    missing.extend(functions_missing(&sets.gate, &history)?);
    gate.extend(functions_of(&history));
    let history = database.history(&sets.domain).await?;
    let domain = history.records();
    missing.extend(compare(&sets.domain, &domain)?);
    Ok((history.applied, plan::state_of(&gate, &domain), missing))
}

async fn bring_set_up(
    database: &mut TenantDatabase,
    set: &MigrationSet,
    target: Option<SchemaVersion>,
) -> Result<(Vec<MigrationRecord>, Vec<MigrationRecord>), MigrationError> {
    let history = database.history(set).await?;
    let mut known = history.records();
    let pending = plan::up_to(&compare(set, &known)?, target);
    let functions = functions_missing(set, &history)?;
    let applied = if pending.is_empty() { Vec::new() } else { database.apply(set, target).await? };
    known.extend(applied.iter().cloned());
    if let (Some(_), Some(ours)) = (functions, &set.functions) {
        database.install_functions(ours).await?;
    }
    known.extend(set.functions.map(|functions| functions.record()));
    Ok((known, applied))
}

fn functions_missing(
    set: &MigrationSet,
    history: &History,
) -> Result<Option<MigrationRecord>, MigrationError> {
    plan::functions_missing(set.functions.as_ref(), history.functions.as_ref())
        .map_err(|divergence| MigrationError::Diverged { history: set.history, divergence })
}

/// Returns the record of the functions that are installed.
fn functions_of(history: &History) -> Option<MigrationRecord> {
    let installed = history.functions.as_ref()?;
    Some(MigrationRecord {
        version: SchemaVersion::UNNUMBERED,
        name: "functions".to_owned(),
        checksum: installed.checksum,
    })
}

pub(super) fn compare(
    set: &MigrationSet,
    applied: &[MigrationRecord],
) -> Result<Vec<MigrationRecord>, MigrationError> {
    pending(&set.records(), applied)
        .map_err(|divergence| MigrationError::Diverged { history: set.history, divergence })
}

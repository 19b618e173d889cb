//! Installs the control plane's own schema, or upgrades it to the newest embedded migration.

use std::time::Duration;

use uuid::Uuid;

use super::error::MigrationError;
use super::plan::{Divergence, functions_missing, pending};
use crate::adapters::control_plane::{self, ControlPlane, ControlPlaneError};
use crate::adapters::postgres::{
    self, Endpoint, Footing, Lock, LockServer, LockTable, PgError, Purpose, hold_until,
};
use crate::model::{Act, Actor, MigrationRecord, SchemaVersion};
use crate::services::audit::Entry;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallReport {
    pub control_plane_id: Uuid,
    /// Its address, without a password.
    pub control_plane: String,
    /// The version after the command.
    pub version: SchemaVersion,
    pub applied: Vec<MigrationRecord>,
    /// What would be applied; empty unless it is a dry run.
    pub planned: Vec<MigrationRecord>,
}

/// Installs or upgrades the control plane. Safe to run twice, and from two machines at once:
/// refinery takes no lock, so ours is held around its migrations.
///
/// # Errors
/// When the history contradicts the embedded migrations, or a newer binary upgraded the schema.
pub(crate) async fn install(
    endpoint: &Endpoint,
    actor: &Actor,
    patience: Duration,
    is_dry_run: bool,
) -> Result<InstallReport, MigrationError> {
    let set = control_plane::set();
    let embedded = set.records();
    let known = embedded.last().map_or(SchemaVersion(0), |record| record.version);
    let purpose = Purpose::migrate(Act::Init.word());
    let connected = postgres::connect(endpoint, purpose).await;
    let mut connection = connected.map_err(ControlPlaneError::from)?;
    let deadline = tokio::time::Instant::now() + patience;
    if !is_dry_run {
        let (named, what) = (("init", Uuid::nil()), "the migrations");
        let lock = Lock::new(LockTable::ControlPlane, named, what, LockServer::ControlPlane);
        hold_until(&mut connection, &lock, deadline).await.map_err(ControlPlaneError::from)?;
    }
    let history = postgres::read_history(&mut connection, &set).await;
    let history = history.map_err(ControlPlaneError::from)?;
    let applied = history.records();
    let mut planned = pending(&embedded, &applied).map_err(|divergence| match &divergence {
        Divergence::Missing { applied } if applied.version > known => {
            ControlPlaneError::Newer { found: applied.version.0, known: known.0 }.into()
        }
        _ => MigrationError::Diverged { history: set.history, divergence },
    })?;
    let functions = functions_missing(set.functions.as_ref(), history.functions.as_ref());
    let functions = functions.map_err(|divergence| match divergence {
        Divergence::NewerFunctions { by } => ControlPlaneError::NewerFunctions(by).into(),
        _ => MigrationError::Diverged { history: set.history, divergence },
    })?;
    if is_dry_run {
        planned.extend(functions);
        Endpoint::close(connection).await;
        return Ok(InstallReport {
            control_plane_id: Uuid::nil(),
            control_plane: endpoint.to_string(),
            version: applied.last().map_or(SchemaVersion(0), |record| record.version),
            applied: Vec::new(),
            planned,
        });
    }
    let mut done = if planned.is_empty() {
        Vec::new()
    } else {
        postgres::apply(&mut connection, &Footing::new(purpose, "SET ROLE NONE"), &set, None)
            .await
            .map_err(ControlPlaneError::from)?
    };
    if let (Some(record), Some(ours)) = (functions, &set.functions) {
        let installed = postgres::install_functions(&mut connection, ours).await;
        installed.map_err(ControlPlaneError::from)?;
        done.push(record);
    }
    // Every time: Supabase's roles, or a backend's, may have been created after the schema.
    sqlx::raw_sql("SELECT control_plane.grant_to_callers()")
        .execute(&mut connection)
        .await
        .map_err(|error| ControlPlaneError::from(PgError::doing("grant the functions")(error)))?;
    control_plane::watch_auth(&mut connection).await?;
    control_plane::close_to_public(&mut connection).await?;
    Endpoint::close(connection).await;
    let plane = ControlPlane::open(endpoint.clone()).await?;
    if !done.is_empty() {
        record(&plane, actor, &done).await?;
    }
    let report = InstallReport {
        control_plane_id: plane.id(),
        control_plane: endpoint.to_string(),
        version: known,
        applied: done,
        planned: Vec::new(),
    };
    plane.close().await;
    Ok(report)
}

/// Writes intent and outcome together: before the first migration there is no table to write an
/// intent to.
async fn record(
    plane: &ControlPlane,
    actor: &Actor,
    done: &[MigrationRecord],
) -> Result<(), ControlPlaneError> {
    let mut transaction = plane.begin().await?;
    let detail = serde_json::json!({
        "applied": done.iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    let entry = Entry::new(Act::Init, actor).on(None, "control_plane".to_owned());
    let entry = entry.intent(&mut transaction, detail.clone()).await?;
    entry.done(&mut transaction, detail).await?;
    let committed = transaction.commit().await;
    committed.map_err(|error| PgError::doing("commit the audit trail")(error).into())
}

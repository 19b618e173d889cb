//! Installs the control plane's own schema, or upgrades it to the newest embedded migration.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::MigrationError;
use super::plan::{Divergence, functions_missing, pending};
use crate::adapters::control_plane::{self, ControlPlane, ControlPlaneError};
use crate::adapters::postgres::{
    self, Endpoint, Footing, Lock, LockServer, LockTable, MigrationSet, PgError, Purpose,
    hold_until,
};
use crate::model::{Act, Actor, MigrationRecord, Patience, SchemaVersion};
use crate::services::audit::Entry;

fn purpose() -> Purpose {
    Purpose::upgrade(Act::Init.word())
}

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
/// refinery takes no lock, so ours is held around its migrations. Logins go on meanwhile.
///
/// # Errors
/// When the history contradicts the embedded migrations, a newer binary upgraded the schema, or
/// somebody locks what has to be changed for longer than `patience`.
pub(crate) async fn install(
    endpoint: &Endpoint,
    actor: &Actor,
    patience: Patience,
    is_dry_run: bool,
) -> Result<InstallReport, MigrationError> {
    let set = control_plane::set();
    let embedded = set.records();
    let known = embedded.last().map_or(SchemaVersion(0), |record| record.version);
    let connected = postgres::connect(endpoint, purpose()).await;
    let mut connection = connected.map_err(ControlPlaneError::from)?;
    let deadline = patience.until();
    if !is_dry_run {
        let (named, what) = (("init", Uuid::nil()), "the migrations");
        let lock = Lock::new(LockTable::ControlPlane, named, what, LockServer::ControlPlane)
            .told_like(endpoint);
        let hold =
            async |session: &mut PgConnection| Ok(hold_until(session, &lock, deadline).await?);
        control_plane::patiently(&mut connection, endpoint, deadline, hold).await?;
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
    if !planned.is_empty() {
        upgrade(&mut connection, endpoint, &set, deadline).await?;
    }
    let mut done = planned;
    if let (Some(record), Some(ours)) = (functions, set.functions) {
        let install = async |session: &mut PgConnection| {
            Ok(postgres::install_functions(session, &ours).await?)
        };
        control_plane::patiently(&mut connection, endpoint, deadline, install).await?;
        done.push(record);
    }
    let settle = async |session: &mut PgConnection| {
        control_plane::grant_to_callers(session).await?;
        control_plane::watch_auth(session).await?;
        control_plane::close_to_public(session).await
    };
    control_plane::patiently(&mut connection, endpoint, deadline, settle).await?;
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

/// Applies what is pending of a set, each migration for itself.
///
/// # Errors
/// The first that fails; those before it stay applied.
async fn upgrade(
    connection: &mut PgConnection,
    endpoint: &Endpoint,
    set: &MigrationSet,
    deadline: Instant,
) -> Result<(), ControlPlaneError> {
    let footing = Footing::new(purpose(), "SET ROLE NONE");
    let apply = async |session: &mut PgConnection| {
        let applied = postgres::apply(session, |_| footing.clone(), set, None, None).await;
        Ok(applied.map(drop)?)
    };
    control_plane::patiently(connection, endpoint, deadline, apply).await
}

/// Upgrades a control plane by what a later tenantctl brings, each migration with its name (`V8__x`) and
/// text, as `init` does.
///
/// # Errors
/// As for `init`.
pub async fn upgrade_to(
    endpoint: &Endpoint,
    later: &[(&str, &str)],
    patience: Duration,
) -> Result<(), ControlPlaneError> {
    let mut connection = postgres::connect(endpoint, purpose()).await?;
    let set = control_plane::set_and(later);
    upgrade(&mut connection, endpoint, &set, Instant::now() + patience).await
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

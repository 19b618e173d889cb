//! `tenant connect`: psql in a tenant's database, as its login or as the operator.

use std::ffi::OsString;
use std::process::ExitStatus;

use tokio::time::Instant;

use super::credential::SecretKey;
use super::error::TenantError;
use super::operation::find;
use super::url::{kept_password, registered};
use crate::adapters::control_plane::AuditOutcome;
use crate::adapters::local::{Psql, PsqlRun};
use crate::adapters::postgres::Endpoint;
use crate::model::{
    Act, Actor, Interrupt, Tenant, TenantRef, TenantStatus, escape_controls, redact, shorten,
};
use crate::services::audit::Entry;
use crate::services::home::World;

/// How much of psql's arguments the audit trail keeps.
const KEPT: usize = 2000;

/// Whom psql connects as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectAs {
    /// The tenant's own login: what its application may do.
    Login,
    /// The operator, acting as the owner of the tenant's tables.
    Operator,
}

#[derive(Debug)]
pub(crate) struct ConnectRequest {
    pub tenant: TenantRef,
    pub as_whom: ConnectAs,
    /// The key that opens the login's password, if there is one.
    pub key: Option<SecretKey>,
    /// What the operator adds to psql's command line.
    pub arguments: Vec<OsString>,
    pub psql: Psql,
    pub actor: Actor,
    pub deadline: Instant,
}

/// Runs psql until it ends; the tenant's id is set in its session.
///
/// # Errors
/// When there is no such tenant, its login is shut or its password not kept, or psql cannot be run.
pub(crate) async fn connect(
    world: &World,
    request: &ConnectRequest,
    interrupt: &Interrupt,
) -> Result<ExitStatus, TenantError> {
    let tenant = find(&world.plane, &request.tenant).await?;
    let (endpoint, role) = way_in(world, request, &tenant).await?;
    let arguments: Vec<_> = request.arguments.iter().map(|it| it.to_string_lossy()).collect();
    let detail = serde_json::json!({
        "as": match request.as_whom {
            ConnectAs::Login => "login",
            ConnectAs::Operator => "operator",
        },
        "arguments": shorten(&redact(&escape_controls(&arguments.join(" "))), KEPT),
    });
    let entry = Entry::new(Act::Connect, &request.actor).about(&tenant);
    let entry = entry.intent(&mut *world.plane.session().await?, detail).await?;
    let role = role.map(|role| format!(" -c role={role} -c search_path=public"));
    let options = format!("-c app.current_tenant_id={}{}", tenant.id, role.unwrap_or_default());
    let run = PsqlRun { endpoint: &endpoint, options: &options, arguments: &request.arguments };
    let handed_over = interrupt.hand_over();
    let ended = request.psql.run(&run).await;
    drop(handed_over);
    let (outcome, code) = match &ended {
        Ok(status) if status.success() => (AuditOutcome::Done, status.code()),
        Ok(status) => (AuditOutcome::Failed, status.code()),
        Err(_) => (AuditOutcome::Failed, None),
    };
    let detail = serde_json::json!({ "exit_code": code });
    entry.end(&mut *world.plane.session().await?, outcome, detail).await?;
    Ok(ended?)
}

/// Returns where psql connects, and the role it acts as where that is not its login.
async fn way_in(
    world: &World,
    request: &ConnectRequest,
    tenant: &Tenant,
) -> Result<(Endpoint, Option<&'static str>), TenantError> {
    if matches!(tenant.status, TenantStatus::Purging | TenantStatus::Purged) {
        return Err(TenantError::wrong_state(Act::Connect, tenant));
    }
    match request.as_whom {
        ConnectAs::Operator => {
            let (endpoint, role) = world.home(tenant, request.deadline).await?.operator_address();
            Ok((endpoint, Some(role)))
        }
        ConnectAs::Login if tenant.is_locked() => Err(TenantError::locked(Act::Connect, tenant)),
        ConnectAs::Login if tenant.status != TenantStatus::Active => {
            Err(TenantError::wrong_state(Act::Connect, tenant))
        }
        ConnectAs::Login => {
            let (name, endpoint) = registered(world, tenant, Act::Connect)?;
            let password = kept_password(tenant, &name, request.key.as_ref())?;
            Ok((endpoint.with_password(password), None))
        }
    }
}

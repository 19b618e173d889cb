//! `member add`: a user made a member by an operator's word, also one who was removed.
//!
//! The control plane comes first: interrupted before the gate is told, a user who was removed stays
//! out, and the same command goes on.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::error::MemberError;
use super::gate::{Gate, enter, settle};
use super::tenant::find_tenant;
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, AuditOutcome};
use crate::adapters::postgres::PgError;
use crate::model::{
    Act, Actor, Classified, ErrorKind, Tenant, TenantNames, TenantRef, TenantStatus, UserId,
    UserRef,
};
use crate::services::audit::Entry;
use crate::services::home::{HomeError, World};
use crate::services::session::{UserError, find_user};

#[derive(Debug)]
pub(crate) struct AddRequest {
    pub tenant: TenantRef,
    pub user: UserRef,
    /// Their role there, up to 63 bytes; nothing here reads it.
    pub role: Option<String>,
    pub actor: Actor,
    pub is_dry_run: bool,
}

/// Which tenant the user's tokens name, as far as Supabase Auth decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClaimSays {
    /// Auth's tables are not in reach.
    Unseen,
    /// No tenant, so the operator's word counts.
    Nothing,
    /// This one.
    Here,
    /// Another one: its slug, else what the claim says.
    Elsewhere(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddReport {
    pub tenant: TenantNames,
    pub user_id: UserId,
    /// None in a dry run without `--role`.
    pub role: Option<String>,
    /// Whether they were a member by an operator's word before, with that role.
    pub was_there: bool,
    pub is_dry_run: bool,
    pub claim: ClaimSays,
    /// How many live tenants the user belongs to by an operator's word.
    pub tenants: i64,
    /// Why the gate still refuses them.
    pub gate_problem: Option<String>,
}

impl AddReport {
    /// Returns the kind of failure the command ends with.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        self.gate_problem.is_some().then_some(ErrorKind::Incomplete)
    }
}

/// Adds a member. A gate that cannot be reached is in the report and is no error.
///
/// # Errors
/// When the tenant does not exist or is on its way out, or Supabase Auth has no such user.
pub(crate) async fn add(world: &World, request: &AddRequest) -> Result<AddReport, MemberError> {
    let mut session = world.plane.session().await?;
    let tenant = find_tenant(&mut session, &request.tenant).await?;
    if matches!(tenant.status, TenantStatus::Deleted | TenantStatus::Purging) {
        let status = tenant.status.word();
        return Err(MemberError::Gone { slug: tenant.slug.to_string(), status });
    }
    let user = find_user(&mut session, &request.user).await?;
    let claim = claim_of(&mut session, user, &tenant).await?;
    let report = AddReport {
        tenant: TenantNames::from(&tenant),
        user_id: user,
        role: request.role.clone(),
        was_there: false,
        is_dry_run: request.is_dry_run,
        claim,
        tenants: 1,
        gate_problem: None,
    };
    if request.is_dry_run {
        return Ok(report);
    }
    let entry = Entry::new(Act::AddMember, &request.actor);
    let entry = entry.on(Some(tenant.id), format!("user {user} in tenant {}", tenant.slug));
    let doing = || PgError::doing("add the member");
    let mut transaction = session.begin().await.map_err(doing())?;
    let role = request.role.as_deref();
    let added = control_plane::add_member(&mut transaction, user, tenant.id, role).await?;
    let entry = entry.intent(&mut transaction, serde_json::json!({ "role": added.role })).await?;
    transaction.commit().await.map_err(doing())?;
    // Also where nothing changed: an earlier run may have ended before it told the gate.
    let told = readmit(world, &tenant, user, added.not_before).await;
    let gate_problem = match told {
        Ok(true) => None,
        Ok(false) => Some("the user was removed again meanwhile, and stays so".to_owned()),
        Err(error) => Some(error.chain().join(": ")),
    };
    let outcome = match (&gate_problem, added.was_there) {
        (Some(_), _) => AuditOutcome::Failed,
        (None, true) => AuditOutcome::Unchanged,
        (None, false) => AuditOutcome::Done,
    };
    let detail = serde_json::json!({ "gate_told": gate_problem.is_none() });
    entry.end(&mut session, outcome, detail).await?;
    let (was_there, role, tenants) = (added.was_there, Some(added.role), added.tenants);
    Ok(AddReport { role, was_there, tenants, gate_problem, ..report })
}

async fn claim_of(
    session: &mut PgConnection,
    user: UserId,
    tenant: &Tenant,
) -> Result<ClaimSays, MemberError> {
    if !auth_tables::sees_auth(session).await? {
        return Ok(ClaimSays::Unseen);
    }
    let found = auth_tables::find_auth_user(session, user).await?;
    let found = found.ok_or_else(|| UserError::NoUser(user.to_string()))?;
    let Some(claim) = found.claim else { return Ok(ClaimSays::Nothing) };
    let Ok(id) = claim.parse() else { return Ok(ClaimSays::Elsewhere(claim)) };
    if id == tenant.id {
        return Ok(ClaimSays::Here);
    }
    let named = control_plane::find_by_id(session, id).await?;
    Ok(ClaimSays::Elsewhere(named.map_or(claim, |tenant| tenant.slug.to_string())))
}

/// Tells the gate; returns false when the user was removed meanwhile.
async fn readmit(
    world: &World,
    tenant: &Tenant,
    user: UserId,
    not_before: Option<time::OffsetDateTime>,
) -> Result<bool, HomeError> {
    let Gate::Here(mut database) = enter(world, tenant, Act::AddMember).await? else {
        return Ok(true);
    };
    let pending = database.readmit(user, not_before).await?;
    let holds = settle(world, (tenant, user), false, pending).await?;
    database.close().await;
    Ok(holds)
}

//! `session revoke`: revokes one session by its row, or all of a user or a tenant by raising an
//! epoch, and passes it on to the tenants' gates.
//!
//! Every check in the control plane says no from the commit on. The gates in the tenants' own
//! databases, which judge tokens that are used there directly, are updated after it.

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::error::SessionError;
use super::look::unseen;
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{
    self, AuditOutcome, ControlPlane, ControlPlaneError, SessionScope,
};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::{Denial, ServerError};
use crate::model::{
    Act, Actor, Classified, ErrorKind, Jti, Marks, Reason, Tenant, TenantId, TenantNames,
    TenantRef, TenantStatus, UserId,
};
use crate::services::audit::Entry;
use crate::services::home::{HomeError, OwnAuth, PATIENCE, World};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Session(Jti),
    /// Every session of a user, in all tenants.
    User(UserId),
    /// Every session in a tenant.
    Tenant(TenantRef),
    /// Every session of a user in one tenant.
    UserInTenant(UserId, TenantRef),
}

/// Why, by whom and how; what is revoked is said beside it.
#[derive(Debug, Clone)]
pub(crate) struct RevokeRequest {
    pub reason: Reason,
    pub actor: Actor,
    pub is_dry_run: bool,
    /// Whether Supabase Auth's admin API is configured.
    pub has_admin_api: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevokeReport {
    pub target: Target,
    /// The tenant whose sessions are meant, where it is one's.
    pub tenant: Option<TenantNames>,
    /// How many sessions were valid until then; in a dry run, how many are.
    pub sessions: i64,
    pub is_dry_run: bool,
    /// Whether the one session had been revoked before.
    pub was_revoked: bool,
    pub gates: Vec<GateResult>,
    /// `None` where the tables of Supabase Auth are not beside the control plane.
    pub auth: Option<AuthResult>,
    /// Whether its admin API is known, which ends no session.
    pub has_admin_api: bool,
    /// The user it is about, who was never seen here: a slip, or a token from elsewhere.
    pub unseen: Option<UserId>,
}

impl RevokeReport {
    /// Returns the kind of failure the command ends with; `None` when every gate was updated and
    /// the sessions in Supabase Auth were deleted.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        let has_failed = self.gates.iter().any(|gate| gate.problem.is_some());
        let of_projects = self.gates.iter().filter_map(|gate| gate.project_auth.as_ref());
        let auth_has_failed =
            self.auth.iter().chain(of_projects).any(|auth| auth.problem.is_some());
        (has_failed || auth_has_failed).then_some(ErrorKind::Incomplete)
    }

    /// Returns what could not be told of the revocation, a clause each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let gates = self.gates.iter().filter_map(|gate| {
            gate.problem.as_ref().map(|problem| format!("gate of `{}`: {problem}", gate.tenant))
        });
        let of_projects = self.gates.iter().filter_map(|gate| gate.project_auth.as_ref());
        let auths = self.auth.iter().chain(of_projects);
        gates.chain(auths.filter_map(|auth| auth.problem.clone())).collect()
    }
}

/// The sessions that were deleted in Supabase Auth, so that their tokens are not refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthResult {
    pub sessions: u64,
    /// Why they could not be deleted.
    pub problem: Option<String>,
}

/// Whether a revocation reached a tenant's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GateResult {
    pub tenant: TenantNames,
    /// Why it did not.
    pub problem: Option<String>,
    /// What was ended in the Auth of the tenant's own project; `None` where it has none.
    pub project_auth: Option<AuthResult>,
}

/// Revokes. A gate or Supabase Auth that cannot be reached is in the report and is no error: the
/// revocation is committed by then.
///
/// # Errors
/// When the session or the tenant does not exist.
pub(crate) async fn revoke(
    world: &World,
    target: &Target,
    request: &RevokeRequest,
) -> Result<RevokeReport, SessionError> {
    let plane = &world.plane;
    let mut session = plane.session().await?;
    let (scope, tenant) = resolve(plane, target).await?;
    if let SessionScope::Session(jti) = &scope
        && control_plane::parts_of(&mut session, jti).await?.is_empty()
    {
        return Err(SessionError::NoSession(jti.to_string()));
    }
    let unseen = match &scope {
        SessionScope::User(user) | SessionScope::UserInTenant(user, _) => {
            unseen(&mut session, *user).await?
        }
        SessionScope::Session(_) | SessionScope::Tenant(_) => None,
    };
    let report = |was_revoked, sessions| RevokeReport {
        target: target.clone(),
        tenant: tenant.clone(),
        sessions,
        is_dry_run: request.is_dry_run,
        was_revoked,
        gates: Vec::new(),
        auth: None,
        has_admin_api: request.has_admin_api,
        unseen,
    };
    if request.is_dry_run {
        let sessions = control_plane::count_live(&mut session, &scope).await?;
        return Ok(report(false, sessions));
    }
    let entry = Entry::new(Act::Revoke, &request.actor)
        .on(tenant.as_ref().map(|tenant| tenant.id), shown(target))
        .because(&request.reason);
    // Counting a million rows takes longer than revoking them, so the count comes last: in a
    // transaction that took its snapshot before the revocation.
    let mut before = plane.begin().await?;
    control_plane::fix_moment(&mut before).await?;
    let doing = || PgError::doing("revoke the sessions");
    let (actor, reason) = (&request.actor, &request.reason);
    let raise = async |session: &mut PgConnection| {
        let mut transaction = session.begin().await.map_err(doing())?;
        control_plane::wait_briefly(&mut transaction).await?;
        let (was_revoked, mark) = if let SessionScope::Session(jti) = &scope {
            let new = control_plane::revoke_session(&mut transaction, jti, actor, reason).await?;
            (new != Some(true), None)
        } else {
            (false, control_plane::raise_epoch(&mut transaction, &scope, actor, reason).await?)
        };
        // The tenant's row first and the trail after it, like everybody: the other way round, this
        // and a lockdown wait for each other.
        let entry = entry.clone().intent(&mut transaction, serde_json::json!({})).await?;
        transaction.commit().await.map_err(doing())?;
        Ok((was_revoked, mark, entry))
    };
    let deadline = world.plane.patience().until_within(PATIENCE);
    let raised = control_plane::patiently(&mut session, plane.endpoint(), deadline, raise);
    let (was_revoked, mark, entry) = raised.await?;
    drop(session);
    let (told, sessions) =
        tokio::join!(tell(world, &scope, mark), control_plane::count_live(&mut before, &scope));
    let ((auth, gates), sessions) = (told?, sessions?);
    drop(before);
    let report = RevokeReport { gates, auth, ..report(was_revoked, sessions) };
    let outcome = match (was_revoked, report.ending()) {
        (_, Some(_)) => AuditOutcome::Failed,
        (true, None) => AuditOutcome::Unchanged,
        (false, None) => AuditOutcome::Done,
    };
    let gates_not_told: Vec<_> =
        report.gates.iter().filter(|gate| gate.problem.is_some()).collect();
    let detail = serde_json::json!({
        "sessions": sessions,
        "gates_not_told":
            gates_not_told.iter().map(|gate| gate.tenant.slug.as_str()).collect::<Vec<_>>(),
        "auth_sessions": report.auth.as_ref().map(|auth| auth.sessions),
    });
    entry.end(&mut *plane.session().await?, outcome, detail).await?;
    Ok(report)
}

/// Deletes the revoked sessions in Supabase Auth, where its tables are beside the control plane.
/// Where our token hook is not installed, a refresh would issue a token that is accepted again.
async fn sign_out(plane: &ControlPlane, scope: &SessionScope) -> Option<AuthResult> {
    let done = async {
        let mut session = plane.session().await?;
        if !auth_tables::has_auth(&mut session).await? {
            return Ok::<_, ControlPlaneError>(None);
        }
        // Codes and links first: what they opened until then goes with the sessions.
        let users = control_plane::users_covered(&mut session, scope).await?;
        auth_tables::end_proofs(&mut session, &users).await?;
        Ok(Some(control_plane::sign_out(&mut session, scope).await?))
    };
    match done.await {
        Ok(sessions) => sessions.map(|sessions| AuthResult { sessions, problem: None }),
        Err(error) => {
            let problem = Some(error.chain().join(": "));
            Some(AuthResult { sessions: 0, problem })
        }
    }
}

/// Tells Auth and the gates. How long a gate has to refuse a single session depends on whether Auth
/// ended it; everything else is told to both at once.
async fn tell(
    world: &World,
    scope: &SessionScope,
    mark: Option<OffsetDateTime>,
) -> Result<(Option<AuthResult>, Vec<GateResult>), SessionError> {
    if matches!(scope, SessionScope::Session(_)) {
        let auth = sign_out(&world.plane, scope).await;
        let is_ended = auth.as_ref().is_some_and(|auth| auth.sessions > 0);
        return Ok((auth, tell_gates(world, scope, mark, is_ended).await?));
    }
    let (auth, gates) =
        tokio::join!(sign_out(&world.plane, scope), tell_gates(world, scope, mark, false));
    Ok((auth, gates?))
}

/// Updates the gate of every tenant that the scope touches.
async fn tell_gates(
    world: &World,
    scope: &SessionScope,
    mark: Option<OffsetDateTime>,
    is_ended: bool,
) -> Result<Vec<GateResult>, SessionError> {
    let mut session = world.plane.session().await?;
    let mut last_expiry = None;
    let (tenants, denial) = match scope {
        SessionScope::Session(jti) => {
            let parts = control_plane::parts_of(&mut session, jti).await?;
            last_expiry = parts.iter().map(|part| part.expires_at).max();
            let until = last_expiry.filter(|_| is_ended);
            let tenants = parts.iter().map(|part| TenantId(part.tenant_id)).collect();
            (tenants, Some(Denial::Session(jti.clone(), until)))
        }
        SessionScope::User(user) => {
            let tenants = control_plane::find_tenants_of(&mut session, *user).await?;
            (tenants, mark.map(|mark| Denial::User(*user, mark)))
        }
        SessionScope::UserInTenant(user, tenant) => {
            (vec![*tenant], mark.map(|mark| Denial::User(*user, mark)))
        }
        SessionScope::Tenant(tenant) => (vec![*tenant], None),
    };
    let mut results = Vec::new();
    for id in tenants {
        let tenant = control_plane::find_by_id(&mut session, id).await?;
        // Without a database, or with one that allows no logins, there is no gate to update.
        let is_open = |t: &Tenant| t.host.is_some() && t.status == TenantStatus::Active;
        let Some(tenant) = tenant.filter(is_open) else { continue };
        let marks = control_plane::marks_of(&mut session, id).await?;
        // Before the gate: how long that has to refuse a single session depends on whether it ended.
        let project_auth = sign_out_in_project(world, scope, &tenant).await;
        let is_ended_there = project_auth.as_ref().is_some_and(|auth| auth.sessions > 0);
        let denial = match &denial {
            Some(Denial::Session(jti, None)) if is_ended_there => {
                Some(Denial::Session(jti.clone(), last_expiry))
            }
            denial => denial.clone(),
        };
        let done = tell_gate(world, &tenant, marks, denial.as_ref()).await;
        let problem = done.err().map(|error| error.chain().join(": "));
        results.push(GateResult { tenant: TenantNames::from(&tenant), problem, project_auth });
    }
    Ok(results)
}

/// Ends what the scope covers in the Auth of a tenant's own project; `None` where there is none.
async fn sign_out_in_project(
    world: &World,
    scope: &SessionScope,
    tenant: &Tenant,
) -> Option<AuthResult> {
    let done = async {
        let deadline = world.plane.patience().until_within(PATIENCE);
        let purpose = Purpose::query(Act::Revoke.word());
        let mut there = match world.own_auth(tenant, purpose, deadline).await? {
            None | Some(OwnAuth::Absent(_)) => return Ok(None),
            Some(OwnAuth::Hidden(why)) => return Ok(Some(Err(why.to_owned()))),
            Some(OwnAuth::Here(there)) => there,
        };
        let refused = |error: PgError| HomeError::from(ServerError::from(error));
        let ended = match scope {
            SessionScope::Session(jti) => {
                let mut ids = {
                    let mut plane = world.plane.session().await?;
                    control_plane::sign_ins_of(&mut plane, jti).await?
                };
                ids.push(jti.to_string());
                auth_tables::end_sessions(&mut there, &ids).await.map_err(refused)?
            }
            SessionScope::User(user) | SessionScope::UserInTenant(user, _) => {
                auth_tables::sweep(&mut there, &[*user]).await.map_err(refused)?.sessions
            }
            SessionScope::Tenant(tenant) => {
                let users = auth_tables::own_users(&mut there, *tenant).await.map_err(refused)?;
                auth_tables::sweep(&mut there, &users.all()).await.map_err(refused)?.sessions
            }
        };
        Ok::<_, HomeError>(Some(Ok(ended)))
    };
    match done.await {
        Ok(None) => None,
        Ok(Some(Ok(sessions))) => Some(AuthResult { sessions, problem: None }),
        Ok(Some(Err(why))) => {
            let problem = Some(format!("end the sessions in the project's own Auth: {why}"));
            Some(AuthResult { sessions: 0, problem })
        }
        Err(error) => {
            let problem = Some(error.chain().join(": "));
            Some(AuthResult { sessions: 0, problem })
        }
    }
}

async fn tell_gate(
    world: &World,
    tenant: &Tenant,
    marks: Marks,
    denial: Option<&Denial>,
) -> Result<(), HomeError> {
    let deadline = world.plane.patience().until_within(PATIENCE);
    let mut database = world.enter(tenant, Purpose::query(Act::Revoke.word()), deadline).await?;
    database.check_identity().await?;
    if let Some(denial) = denial {
        database.deny(denial).await?;
    } else {
        database.raise_marks(marks).await?;
    }
    database.close().await;
    Ok(())
}

async fn resolve(
    plane: &ControlPlane,
    target: &Target,
) -> Result<(SessionScope, Option<TenantNames>), SessionError> {
    let named = match target {
        Target::Session(jti) => return Ok((SessionScope::Session(jti.clone()), None)),
        Target::User(user) => return Ok((SessionScope::User(*user), None)),
        Target::Tenant(named) | Target::UserInTenant(_, named) => named,
    };
    let tenant = control_plane::find_live(&mut *plane.session().await?, named).await?;
    let tenant = tenant.ok_or_else(|| SessionError::NoTenant(named.to_string()))?;
    let id = tenant.id;
    let scope = match target {
        Target::UserInTenant(user, _) => SessionScope::UserInTenant(*user, id),
        _ => SessionScope::Tenant(id),
    };
    Ok((scope, Some(TenantNames::from(&tenant))))
}

fn shown(target: &Target) -> String {
    match target {
        Target::Session(jti) => format!("session {jti}"),
        Target::User(user) => format!("user {user}"),
        Target::Tenant(slug) => format!("tenant {slug}"),
        Target::UserInTenant(user, slug) => format!("user {user} in tenant {slug}"),
    }
}

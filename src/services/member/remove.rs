//! `member remove`: a user out of a tenant for good, and the proof that they are.
//!
//! The control plane comes first, and every check there says no from its commit on; then the gate,
//! Auth's claim where it still names the tenant, and Auth's sessions there. Each layer can be done
//! again, so the same command goes on after an interruption.

use std::time::{Duration, Instant};

use sqlx::Connection;

use super::error::MemberError;
use super::gate::{Gate, enter, settle};
use super::tenant::find_tenant;
use crate::adapters::auth_admin::{AuthAdmin, AuthUser, Claim};
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, AuditOutcome, SessionScope};
use crate::adapters::postgres::PgError;
use crate::model::{
    Act, Actor, Classified, ErrorKind, Reason, SessionState, Tenant, TenantNames, TenantRef,
    UserId, UserRef,
};
use crate::services::audit::Entry;
use crate::services::home::{HomeError, PATIENCE, World};
use crate::services::lockdown::{LayerReport, LayerVerdict, ProbeReport, ProbeVerdict};
use crate::services::session::{UserError, find_user};

#[derive(Debug)]
pub(crate) struct RemoveRequest {
    pub tenant: TenantRef,
    pub user: UserRef,
    pub reason: Reason,
    pub actor: Actor,
    pub is_dry_run: bool,
    /// Supabase Auth's admin API, for where its tables are out of reach.
    pub auth_admin: Option<AuthAdmin>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoveReport {
    pub tenant: TenantNames,
    pub user_id: UserId,
    pub is_dry_run: bool,
    /// Whether they had been removed before.
    pub was_removed: bool,
    /// How many sessions of theirs were valid there until then; in a dry run, how many are.
    pub sessions: i64,
    pub layers: Vec<LayerReport>,
    /// What was tried afterwards with a token that names the tenant.
    pub probes: Vec<ProbeReport>,
    /// Whether another command made the user a member again meanwhile.
    pub was_added_again: bool,
    pub elapsed: Duration,
}

impl RemoveReport {
    /// Returns the kind of failure the command ends with; none when every layer was cut and every
    /// probe refused. One that was undone while it ran is a conflict, whatever its probes saw.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        if self.was_added_again {
            return Some(ErrorKind::Conflict);
        }
        if self.layers.iter().any(LayerReport::has_failed) {
            return Some(ErrorKind::Incomplete);
        }
        let is_proven = self.probes.iter().all(|probe| probe.verdict == ProbeVerdict::Refused);
        (!is_proven).then_some(ErrorKind::Unproven)
    }
}

/// Removes a member. What a layer could not do is in the report and is no error.
///
/// # Errors
/// When the tenant or the user does not exist.
pub(crate) async fn remove(
    world: &World,
    request: &RemoveRequest,
) -> Result<RemoveReport, MemberError> {
    let started = Instant::now();
    let mut session = world.plane.session().await?;
    let tenant = find_tenant(&mut session, &request.tenant).await?;
    let user = find_user(&mut session, &request.user).await?;
    let scope = SessionScope::UserInTenant(user, tenant.id);
    let is_recorded =
        control_plane::find_tenants_of(&mut session, user).await?.contains(&tenant.id);
    if !is_recorded
        && auth_tables::sees_auth(&mut session).await?
        && auth_tables::find_auth_user(&mut session, user).await?.is_none()
    {
        return Err(UserError::NoUser(user.to_string()).into());
    }
    let doing = || PgError::doing("remove the member");
    let mut transaction = session.begin().await.map_err(doing())?;
    let sessions = control_plane::count_live(&mut transaction, &scope).await?;
    let report = RemoveReport {
        tenant: TenantNames::from(&tenant),
        user_id: user,
        is_dry_run: request.is_dry_run,
        was_removed: control_plane::is_removed(&mut transaction, user, tenant.id).await?,
        sessions,
        layers: Vec::new(),
        probes: Vec::new(),
        was_added_again: false,
        elapsed: started.elapsed(),
    };
    if request.is_dry_run {
        return Ok(report);
    }
    let (actor, reason) = (&request.actor, &request.reason);
    let is_new =
        control_plane::remove_member(&mut transaction, user, tenant.id, actor, reason).await?;
    let entry = Entry::new(Act::RemoveMember, actor)
        .on(Some(tenant.id), format!("user {user} in tenant {}", tenant.slug))
        .because(reason);
    let entry = entry.intent(&mut transaction, serde_json::json!({})).await?;
    transaction.commit().await.map_err(doing())?;
    drop(session);

    let admin = request.auth_admin.as_ref();
    let removal = Removal { world, tenant: &tenant, user, admin, started };
    let layers = vec![
        removal.control_plane(is_new, sessions),
        removal.gate().await,
        removal.claim().await,
        removal.sessions().await,
    ];
    let probes = vec![removal.try_token().await, removal.try_gate().await];
    let now = async {
        let mut session = world.plane.session().await?;
        control_plane::is_removed(&mut session, user, tenant.id).await
    };
    let was_added_again = matches!(now.await, Ok(false));
    let (was_removed, elapsed) = (!is_new, started.elapsed());
    let report = RemoveReport { was_removed, layers, probes, was_added_again, elapsed, ..report };
    let outcome = match (report.ending(), is_new) {
        (Some(_), _) => AuditOutcome::Failed,
        (None, true) => AuditOutcome::Done,
        (None, false) => AuditOutcome::Unchanged,
    };
    let detail = serde_json::json!({
        "sessions": sessions,
        "layers": report.layers.iter().map(|l| (l.layer, !l.has_failed())).collect::<Vec<_>>(),
        "probes": report.probes.iter()
            .map(|p| (p.probe, p.verdict == ProbeVerdict::Refused)).collect::<Vec<_>>(),
    });
    entry.end(&mut *world.plane.session().await?, outcome, detail).await?;
    Ok(report)
}

const ADDED: &str = "another command added the user again meanwhile";

/// A removal that the control plane has committed.
struct Removal<'a> {
    world: &'a World,
    tenant: &'a Tenant,
    user: UserId,
    admin: Option<&'a AuthAdmin>,
    started: Instant,
}

impl Removal<'_> {
    fn control_plane(&self, is_new: bool, sessions: i64) -> LayerReport {
        let (verdict, detail) = match (is_new, sessions) {
            (false, _) => (LayerVerdict::Unchanged, "removed before".to_owned()),
            (true, 1) => (LayerVerdict::Done, "removed, 1 valid session revoked".to_owned()),
            (true, n) => (LayerVerdict::Done, format!("removed, {n} valid sessions revoked")),
        };
        self.layer("control_plane", self.started, verdict, detail)
    }

    async fn gate(&self) -> LayerReport {
        let began = Instant::now();
        let denied = async {
            let mut database = match enter(self.world, self.tenant, Act::RemoveMember).await? {
                Gate::Here(database) => database,
                Gate::Closed(why) => {
                    let detail = format!("{why}; what opens it tells the gate first");
                    return Ok::<_, HomeError>((LayerVerdict::Unchanged, detail));
                }
            };
            let pending = database.deny_member(self.user).await?;
            let holds = settle(self.world, (self.tenant, self.user), true, pending).await?;
            database.close().await;
            if !holds {
                return Ok((LayerVerdict::Failed(vec![ADDED.to_owned()]), ADDED.to_owned()));
            }
            Ok((LayerVerdict::Done, "refuses the user, whatever they come with".to_owned()))
        };
        self.worked("gate", began, denied.await)
    }

    async fn claim(&self) -> LayerReport {
        let began = Instant::now();
        let taken = async {
            let mut session = self.world.plane.session().await?;
            let was_taken = if auth_tables::sees_auth(&mut session).await? {
                auth_tables::take_claim(&mut session, self.user, self.tenant.id).await?
            } else if let Some(admin) = self.admin {
                drop(session);
                self.take_claim(admin).await?
            } else {
                let detail = "not in reach: if app_metadata.tenant_id names the tenant, its tokens \
                     still do, and are refused here";
                return Ok::<_, MemberError>((LayerVerdict::NotCovered, detail.to_owned()));
            };
            Ok(if was_taken {
                let detail = "app_metadata.tenant_id taken away in Supabase Auth";
                (LayerVerdict::Done, detail.to_owned())
            } else {
                let detail = "app_metadata.tenant_id does not name the tenant";
                (LayerVerdict::Unchanged, detail.to_owned())
            })
        };
        self.worked("claim", began, taken.await)
    }

    /// Takes the claim away through the admin API where it names the tenant; returns whether it did.
    async fn take_claim(&self, admin: &AuthAdmin) -> Result<bool, MemberError> {
        let deadline = self.world.plane.patience().until_within(PATIENCE);
        let claim = Claim::Tenant(self.tenant.id);
        let is_named = |user: Option<AuthUser>| user.is_some_and(|user| user.claim == claim);
        if !is_named(admin.find(self.user, deadline).await?) {
            return Ok(false);
        }
        if is_named(admin.take_claim(self.user, deadline).await?) {
            return Err(MemberError::Claim);
        }
        Ok(true)
    }

    async fn sessions(&self) -> LayerReport {
        let began = Instant::now();
        let ended = async {
            let mut session = self.world.plane.session().await?;
            if !auth_tables::sees_auth(&mut session).await? {
                let detail = "not in reach: signing in and refreshing there still give tokens, \
                     which are refused here";
                return Ok::<_, MemberError>((LayerVerdict::NotCovered, detail.to_owned()));
            }
            let (user, tenant) = (self.user, self.tenant.id);
            let ended = control_plane::end_sessions_of_removed(&mut session, user, tenant).await?;
            Ok(match ended {
                0 => (LayerVerdict::Unchanged, "no session to end in Supabase Auth".to_owned()),
                1 => (LayerVerdict::Done, "1 session ended in Supabase Auth".to_owned()),
                n => (LayerVerdict::Done, format!("{n} sessions ended in Supabase Auth")),
            })
        };
        self.worked("auth", began, ended.await)
    }

    /// Those of a token as Auth would issue it in this second, naming the tenant.
    fn claims(&self, second: i64) -> serde_json::Value {
        serde_json::json!({
            "sub": self.user.to_string(),
            "role": "authenticated",
            "iat": second,
            "exp": second + 3600,
            "amr": [{ "method": "password", "timestamp": second }],
            "app_metadata": { "tenant_id": self.tenant.id.to_string() },
        })
    }

    async fn try_token(&self) -> ProbeReport {
        let judged = async {
            let mut session = self.world.plane.session().await?;
            let second = control_plane::now(&mut session).await?.unix_timestamp();
            control_plane::judge_claims(&mut session, &self.claims(second)).await
        };
        let (verdict, detail) = match judged.await {
            Ok(judged) => {
                let detail = format!("a token issued now is {}", judged.state.word());
                let is_refused = !judged.passes && judged.state != SessionState::Unrecorded;
                (if is_refused { ProbeVerdict::Refused } else { ProbeVerdict::GotIn }, detail)
            }
            Err(error) => not_run(&error),
        };
        self.probe("session", verdict, detail)
    }

    async fn try_gate(&self) -> ProbeReport {
        let asked = async {
            let mut database = match enter(self.world, self.tenant, Act::RemoveMember).await? {
                Gate::Here(database) => database,
                Gate::Closed(why) => return Ok::<_, HomeError>((false, why)),
            };
            let claims = self.claims(database.second().await?);
            let is_let_in = database.gate_lets_in(&claims).await?;
            database.close().await;
            Ok((is_let_in, "a statement with a token issued now"))
        };
        let (verdict, detail) = match asked.await {
            Ok((true, what)) => (ProbeVerdict::GotIn, format!("{what} got through")),
            Ok((false, what)) => (ProbeVerdict::Refused, what.to_owned()),
            Err(error) => not_run(&error),
        };
        self.probe("gate", verdict, detail)
    }

    fn worked<E: Classified>(
        &self,
        layer: &'static str,
        began: Instant,
        done: Result<(LayerVerdict, String), E>,
    ) -> LayerReport {
        let (verdict, detail) = done.unwrap_or_else(|error| {
            let causes = error.chain();
            let detail = format!("failed to {}", causes.join(": "));
            (LayerVerdict::Failed(causes), detail)
        });
        self.layer(layer, began, verdict, detail)
    }

    fn layer(
        &self,
        layer: &'static str,
        began: Instant,
        verdict: LayerVerdict,
        detail: String,
    ) -> LayerReport {
        let (elapsed, at) = (began.elapsed(), self.started.elapsed());
        LayerReport { layer, verdict, detail, elapsed, at }
    }

    fn probe(&self, probe: &'static str, verdict: ProbeVerdict, detail: String) -> ProbeReport {
        ProbeReport { probe, verdict, detail, holes: Vec::new(), at: self.started.elapsed() }
    }
}

fn not_run(error: &impl Classified) -> (ProbeVerdict, String) {
    let why = error.chain().join(": ");
    (ProbeVerdict::CouldNotRun(why.clone()), why)
}

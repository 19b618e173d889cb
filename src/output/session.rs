//! Sessions, as people and programs read them.

use serde_json::{Value, json};

use super::json::{id_and_slug, names_json};
use super::line::{Line, bad, dim, good};
use super::text::{Facts, Table, Text, cell};
use super::view::View;
use super::words::shown;
use crate::model::{Jti, SessionState, instant, instant_ms};
use crate::services::session::Session;
use crate::services::session::{
    AuthResult, IssueReport, ListReport, PruneReport, RevokeReport, Target,
};

pub(crate) fn render_issue(report: &IssueReport) -> View {
    let facts = Facts::new()
        .fact("session", &report.jti)
        .fact("user", report.user_id)
        .fact("tenant", &report.tenant)
        .fact("issued", instant(report.issued_at))
        .fact("expires", instant(report.expires_at));
    let mut value = json!({
        "jti": report.jti.as_str(),
        "user_id": report.user_id.to_string(),
        "tenant": names_json(&report.tenant),
        "issued_at": instant_ms(report.issued_at),
        "expires_at": instant_ms(report.expires_at),
    });
    if report.is_dry_run {
        // The real run chooses another.
        value["jti"] = Value::Null;
        let facts = Facts::new()
            .fact("session", "would be recorded")
            .fact("user", report.user_id)
            .fact("tenant", &report.tenant)
            .fact("expires", instant(report.expires_at));
        return View::item("session", value, facts).into_plan();
    }
    View::item("session", value, facts).next([
        format!("tenantctl session check {}", report.jti),
        format!("tenantctl session revoke --jti {} --reason '…'", report.jti),
    ])
}

fn state_line(state: SessionState) -> Line {
    match state {
        SessionState::Valid => good(state.word()),
        SessionState::Expired | SessionState::SignedOut => dim(state.word()),
        _ => bad(state.word()),
    }
}

/// Renders the judgement on a session.
pub(crate) fn render_check(jti: &Jti, state: SessionState) -> View {
    let is_valid = state == SessionState::Valid;
    let word = if is_valid { good(state.word()) } else { bad(state.word()) };
    let value = json!({ "jti": jti.as_str(), "state": state.word(), "valid": is_valid });
    View::item("session", value, word)
}

pub(crate) fn render_session(session: &Session) -> View {
    let revoked = session.revoked_at.map(|at| {
        let by = session.revoked_by.as_deref().unwrap_or("an unknown actor");
        let reason = session.revoke_reason.as_deref().unwrap_or_default();
        format!("{} by {by}: {reason}", instant(at))
    });
    let is_bare = session.metadata.as_object().is_some_and(serde_json::Map::is_empty);
    let facts = Facts::new()
        .fact("session", &session.jti)
        .some("sign-in", (session.sign_in != session.jti).then_some(&session.sign_in))
        .fact("state", session.state.word())
        .fact("user", session.user_id)
        .fact("tenant", &session.tenant)
        .fact("issued", instant(session.issued_at))
        .fact("expires", instant(session.expires_at))
        .some("revoked", revoked)
        .some("ip", session.ip.as_ref())
        .some("device", session.device.as_ref())
        .some("metadata", (!is_bare).then_some(&session.metadata))
        .some("last seen", session.last_seen_at.map(instant));
    View::item("session", session_json(session), facts)
}

/// The columns of `session list`.
pub(crate) const SESSION_COLUMNS: [&str; 7] =
    ["JTI", "STATE", "TENANT", "USER", "ISSUED", "EXPIRES", "DEVICE"];

/// What is said of a user whom no session and no tenant here knows.
const UNSEEN: &str =
    "never seen here: no session of theirs was recorded, and they belong to no tenant";

pub(crate) fn render_sessions(report: &ListReport) -> View {
    let sessions = &report.sessions;
    let rows = sessions.iter().map(|session| {
        [
            (&session.jti).into(),
            state_line(session.state),
            (&session.tenant).into(),
            session.user_id.into(),
            instant(session.issued_at).into(),
            instant(session.expires_at).into(),
            cell(session.device.as_ref()),
        ]
    });
    let table = Table::new(SESSION_COLUMNS, rows)
        .cut("DEVICE")
        .dropping(&["DEVICE", "ISSUED", "EXPIRES", "USER"]);
    let values = sessions.iter().map(session_json).collect();
    let view = View::list(("sessions", "session"), values, table);
    match report.unseen {
        _ if !sessions.is_empty() => view,
        Some(user) => view.note(format_args!("No sessions: user {user} was {UNSEEN}.")),
        None => view.note("No sessions."),
    }
}

pub(crate) fn render_revoke(report: &RevokeReport) -> View {
    let (kind, name) = scope_of(&report.target);
    let verb = if report.is_dry_run { "would be revoked" } else { "revoked" };
    let outcome = match (report.was_revoked, report.sessions) {
        (true, _) => "it was not valid any more".to_owned(),
        (false, 1) => format!("1 recorded session that was valid {verb}"),
        (false, n) => format!("{n} recorded sessions that were valid {verb}"),
    };
    let unseen = report.unseen.map(|_| UNSEEN);
    let facts = Facts::new().fact(kind, &name).fact("outcome", outcome).some("note", unseen);
    let text = reached(report)
        .into_iter()
        .fold(Text::from(facts), |text, (layer, what)| text.and(Facts::new().fact(layer, what)));
    View::item("revocation", revocation_json(report), text)
        .with("dry_run", json!(report.is_dry_run))
}

fn scope_of(target: &Target) -> (&'static str, String) {
    match target {
        Target::Session(jti) => ("session", jti.to_string()),
        Target::User(user) => ("user", user.to_string()),
        Target::Tenant(tenant) => ("tenant", tenant.to_string()),
        Target::UserInTenant(user, tenant) => ("user", format!("{user} in tenant {tenant}")),
    }
}

/// Returns what is told of a revocation.
pub(super) fn revocation_json(report: &RevokeReport) -> Value {
    let (kind, _) = scope_of(&report.target);
    let gates = report.gates.iter().map(|gate| {
        json!({
            "tenant": names_json(&gate.tenant),
            "told": gate.problem.is_none(),
            "problem": gate.problem,
            "project_auth": gate.project_auth.as_ref().map(auth_json),
        })
    });
    let auth = report.auth.as_ref().map(auth_json);
    let covered_by = match (report.is_dry_run, &report.auth, &report.target) {
        (true, ..) => None,
        (false, Some(AuthResult { problem: None, .. }), _) => Some("tables"),
        (false, _, Target::Session(_)) => Some("id"),
        (false, ..) => Some("beginning"),
    };
    json!({
        "scope": kind,
        "jti": match &report.target {
            Target::Session(jti) => Some(jti.as_str()),
            Target::User(_) | Target::Tenant(_) | Target::UserInTenant(..) => None,
        },
        "user_id": match &report.target {
            Target::User(user) | Target::UserInTenant(user, _) => Some(user.to_string()),
            Target::Session(_) | Target::Tenant(_) => None,
        },
        "tenant": report.tenant.as_ref().map(names_json),
        "sessions": report.sessions,
        "changed": !report.was_revoked && !report.is_dry_run,
        "gates": gates.collect::<Value>(),
        "auth": auth,
        "auth_covered_by": covered_by,
        "user_unseen": report.unseen.is_some(),
    })
}

/// Returns each layer beside the control plane that a revocation has to reach, and whether it did.
fn reached(report: &RevokeReport) -> Vec<(&'static str, String)> {
    let gates = report.gates.iter().map(|gate| match &gate.problem {
        None => ("gate", format!("{} updated", gate.tenant)),
        Some(problem) => ("gate", format!("{} not updated: failed to {problem}", gate.tenant)),
    });
    let by = match report.target {
        Target::Session(_) => "it stays refused by its id",
        _ => {
            "what began before this moment, by the `amr` and `iat` in it, stays refused, recorded or \
             not"
        }
    };
    let ended = |auth: &AuthResult| match &auth.problem {
        None => format!("{} sessions ended", auth.sessions),
        Some(problem) => {
            format!("no session ended, so tokens are refreshed; {by}: failed to {problem}")
        }
    };
    let of_projects = report.gates.iter().filter_map(|gate| {
        let auth = gate.project_auth.as_ref()?;
        Some(("auth", format!("in the project of {}: {}", gate.tenant, ended(auth))))
    });
    let auth = match &report.auth {
        Some(auth) => ended(auth),
        None if report.has_admin_api => {
            format!("its admin API ends no session; if it refreshes a token, {by}")
        }
        None => format!("not in reach; if it refreshes a token, {by}"),
    };
    let auth = (!report.is_dry_run).then_some(("auth", auth));
    gates.chain(of_projects).chain(auth).collect()
}

fn auth_json(auth: &AuthResult) -> Value {
    json!({
        "sessions": auth.sessions,
        "told": auth.problem.is_none(),
        "problem": auth.problem,
    })
}

/// Renders what pruning removed.
pub(crate) fn render_prune(report: &PruneReport) -> View {
    let verb = if report.is_dry_run { "would be removed" } else { "removed" };
    let count = format!("{} expired sessions {verb}, {}", report.sessions, shown(report.elapsed));
    let value = json!({
        "sessions": report.sessions,
        "signed_out": report.signed_out,
    });
    let ended = format!("{} sessions had ended in Supabase Auth", report.signed_out);
    let facts =
        Facts::new().fact("outcome", count).some("auth", (report.signed_out > 0).then_some(ended));
    let view = View::item("pruned", value, facts)
        .took(report.elapsed)
        .with("dry_run", json!(report.is_dry_run))
        .with("interrupted", json!(report.is_interrupted));
    if report.is_dry_run { view.into_plan() } else { view }
}

fn session_json(session: &Session) -> Value {
    json!({
        "jti": session.jti.as_str(),
        "session_id": session.sign_in.as_str(),
        "state": session.state.word(),
        "valid": session.state == SessionState::Valid,
        "user_id": session.user_id.to_string(),
        "tenant": id_and_slug(session.tenant_id, &session.tenant),
        "issued_at": instant_ms(session.issued_at),
        "expires_at": instant_ms(session.expires_at),
        "revoked_at": session.revoked_at.map(instant_ms),
        "revoked_by": session.revoked_by,
        "revoke_reason": session.revoke_reason,
        "ip": session.ip,
        "device": session.device,
        "metadata": session.metadata,
        "last_seen_at": session.last_seen_at.map(instant_ms),
    })
}

//! Sessions, as people and programs read them.

use serde_json::{Value, json};

use super::console::Console;
use super::table;
use super::view::View;
use super::words::{instant, millis, shown};
use crate::model::{Jti, SessionState, redact};
use crate::services::session::Session;
use crate::services::session::{IssueReport, PruneReport, RevokeReport, Target};

/// Renders a recorded session.
pub fn render_issue(console: &Console, report: &IssueReport) -> View {
    let text = table::facts(
        console,
        &[
            ("session", Some(report.jti.to_string())),
            ("user", Some(report.user_id.to_string())),
            ("tenant", Some(report.tenant.to_string())),
            ("issued", Some(instant(report.issued_at))),
            ("expires", Some(instant(report.expires_at))),
        ],
    );
    let value = json!({
        "jti": report.jti.as_str(),
        "user_id": report.user_id.to_string(),
        "tenant": report.tenant.as_str(),
        "issued_at": instant(report.issued_at),
        "expires_at": instant(report.expires_at),
    });
    View::item("session", value, text).note(format!(
        "\nNext:\n  tenantctl session check {}\n  tenantctl session revoke --jti {} --reason '…'",
        report.jti, report.jti
    ))
}

/// Renders the judgement on a session.
pub fn render_check(console: &Console, jti: &Jti, state: SessionState) -> View {
    let is_valid = state == SessionState::Valid;
    let word = if is_valid { console.good(state.word()) } else { console.bad(state.word()) };
    let value = json!({ "jti": jti.as_str(), "state": state.word(), "valid": is_valid });
    View::item("session", value, word)
}

/// Renders one session.
pub fn render_session(console: &Console, session: &Session) -> View {
    let revoked = session.revoked_at.map(|at| {
        let by = session.revoked_by.as_deref().unwrap_or("somebody");
        format!("{} by {by}: {}", instant(at), session.revoke_reason.as_deref().unwrap_or(""))
    });
    let is_bare = session.metadata.as_object().is_some_and(serde_json::Map::is_empty);
    let metadata = (!is_bare).then(|| session.metadata.to_string());
    let text = table::facts(
        console,
        &[
            ("session", Some(session.jti.clone())),
            ("state", Some(session.state.clone())),
            ("user", Some(session.user_id.to_string())),
            ("tenant", Some(session.tenant.clone())),
            ("issued", Some(instant(session.issued_at))),
            ("expires", Some(instant(session.expires_at))),
            ("revoked", revoked),
            ("ip", session.ip.clone()),
            ("device", session.device.clone()),
            ("metadata", metadata),
            ("last seen", session.last_seen_at.map(instant)),
        ],
    );
    View::item("session", session_json(session), text)
}

/// Renders a list of sessions.
pub fn render_sessions(console: &Console, sessions: &[Session]) -> View {
    let rows = sessions
        .iter()
        .map(|session| {
            vec![
                session.jti.clone(),
                session.state.clone(),
                session.tenant.clone(),
                session.user_id.to_string(),
                instant(session.issued_at),
                instant(session.expires_at),
                session.device.clone().unwrap_or_default(),
            ]
        })
        .collect::<Vec<_>>();
    let headers = ["JTI", "STATE", "TENANT", "USER", "ISSUED", "EXPIRES", "DEVICE"];
    let is_empty = rows.is_empty();
    let text = if is_empty { String::new() } else { table::table(console, &headers, rows) };
    let view = View::list("sessions", sessions.iter().map(session_json).collect(), text);
    if is_empty { view.note("No sessions.") } else { view }
}

/// Renders a revocation.
pub fn render_revoke(console: &Console, report: &RevokeReport) -> View {
    let (kind, name) = match &report.target {
        Target::Session(jti) => ("session", jti.to_string()),
        Target::User(user) => ("user", user.to_string()),
        Target::Tenant(slug) => ("tenant", slug.to_string()),
        Target::UserInTenant(user, slug) => ("user", format!("{user} in tenant {slug}")),
    };
    let verb = if report.is_dry_run { "would be revoked" } else { "revoked" };
    let count = match (report.was_revoked, report.sessions) {
        (true, _) => "it was not valid any more".to_owned(),
        (false, 1) => format!("1 valid session {verb}"),
        (false, n) => format!("{n} valid sessions {verb}"),
    };
    let text = table::facts(console, &[(kind, Some(name.clone())), ("outcome", Some(count))]);
    let mut text = text;
    for gate in &report.gates {
        let told = gate.problem.as_ref().map_or_else(
            || "told".to_owned(),
            |problem| format!("not told: failed to {}", redact(problem)),
        );
        text.push('\n');
        text.push_str(&table::facts(console, &[("gate", Some(format!("{} {told}", gate.tenant)))]));
    }
    if let Some(auth) = &report.auth {
        let told = auth.problem.as_ref().map_or_else(
            || format!("{} sessions ended", auth.sessions),
            |problem| {
                format!("not told, so a refresh may bring it back: failed to {}", redact(problem))
            },
        );
        text.push('\n');
        text.push_str(&table::facts(console, &[("auth", Some(told))]));
    }
    let gates: Vec<_> = report
        .gates
        .iter()
        .map(|gate| {
            json!({ "tenant": gate.tenant.as_str(), "told": gate.problem.is_none(),
                    "problem": gate.problem.as_deref().map(redact) })
        })
        .collect();
    let value = json!({
        "scope": kind,
        "target": name,
        "sessions": report.sessions,
        "changed": !report.was_revoked && !report.is_dry_run,
        "gates": gates,
        "auth": report.auth.as_ref().map(|auth| json!({
            "sessions": auth.sessions,
            "told": auth.problem.is_none(),
            "problem": auth.problem.as_deref().map(redact),
        })),
    });
    View::item("revocation", value, text).with("dry_run", json!(report.is_dry_run))
}

/// Renders what pruning removed.
pub fn render_prune(console: &Console, report: &PruneReport) -> View {
    let verb = if report.is_dry_run { "would be removed" } else { "removed" };
    let count = format!("{} expired sessions {verb}, {}", report.sessions, shown(report.elapsed));
    let text = table::facts(console, &[("outcome", Some(count))]);
    let value = json!({ "sessions": report.sessions, "elapsed_ms": millis(report.elapsed) });
    View::item("pruned", value, text)
        .with("dry_run", json!(report.is_dry_run))
        .with("interrupted", json!(report.is_interrupted))
}

fn session_json(session: &Session) -> Value {
    json!({
        "jti": session.jti,
        "state": session.state,
        "valid": session.state == SessionState::Valid.word(),
        "user_id": session.user_id.to_string(),
        "tenant_id": session.tenant_id.to_string(),
        "tenant": session.tenant,
        "issued_at": instant(session.issued_at),
        "expires_at": instant(session.expires_at),
        "revoked_at": session.revoked_at.map(instant),
        "revoked_by": session.revoked_by,
        "revoke_reason": session.revoke_reason,
        "ip": session.ip,
        "device": session.device,
        "metadata": session.metadata,
        "last_seen_at": session.last_seen_at.map(instant),
    })
}

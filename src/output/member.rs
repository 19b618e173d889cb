//! Members, as people and programs read them.

use serde_json::{Value, json};

use super::json::names_json;
use super::line::{Line, bad, dim, good};
use super::lockdown::{layer_json, layer_table, probe_json, probe_table};
use super::text::{Facts, Table, Text, cell};
use super::view::View;
use super::words::date;
use crate::model::{MemberBy, MemberState, TenantNames, instant_ms};
use crate::services::member::{AddReport, ClaimSays, ListReport, Member, RemoveReport};

/// The columns of `member list`.
pub(crate) const MEMBER_COLUMNS: [&str; 6] = ["USER", "STATE", "BY", "ROLE", "SINCE", "EMAIL"];

pub(crate) fn render_members(report: &ListReport) -> View {
    let rows = report.members.iter().map(|member| {
        let state = member.state.word();
        let state = match member.state {
            MemberState::Member => state.into(),
            MemberState::Former => dim(state),
            MemberState::Removed => bad(state),
        };
        [
            member.user_id.into(),
            state,
            cell(member.by.map(MemberBy::word)),
            cell(member.role.as_ref()),
            cell(member.since.map(date)),
            cell(member.email.as_ref()),
        ]
    });
    let table = Table::new(MEMBER_COLUMNS, rows).dropping(&["SINCE", "BY", "ROLE", "EMAIL"]);
    let values = report.members.iter().map(|member| member_json(member, &report.tenant)).collect();
    let view = View::list(("members", "member"), values, table);
    let view = if report.members.is_empty() { view.note("No members.") } else { view };
    let view = view
        .with("tenant", names_json(&report.tenant))
        .with("auth_read", json!(report.is_beside_auth))
        .with("more", json!(report.has_more));
    let view = if report.is_beside_auth {
        view
    } else {
        view.note(
            "Supabase Auth's users cannot be read here: only those are listed who were recorded when \
             they signed in, or were added or removed.",
        )
    };
    if report.has_more {
        let count = report.members.len();
        view.note(format_args!("These are the first {count}; there are more."))
    } else {
        view
    }
}

fn member_json(member: &Member, tenant: &TenantNames) -> Value {
    json!({
        "tenant": names_json(tenant),
        "user_id": member.user_id.to_string(),
        "email": member.email,
        "state": member.state.word(),
        "by": member.by.map(MemberBy::word),
        "role": member.role,
        "since": member.since.map(instant_ms),
        "removed_at": member.removed_at.map(instant_ms),
    })
}

pub(crate) fn render_member_added(report: &AddReport) -> View {
    let outcome = match (report.is_dry_run, report.was_there) {
        (true, _) => "would be a member",
        (false, true) => "was a member already",
        (false, false) => "is a member",
    };
    let gate = report.gate_problem.as_ref().map(|why| format!("not told: failed to {why}"));
    let facts = Facts::new()
        .fact("tenant", &report.tenant)
        .fact("user", report.user_id)
        .some("role", report.role.as_ref())
        .fact("outcome", outcome)
        .some("gate", gate);
    let (word, names) = match &report.claim {
        ClaimSays::Unseen => ("unseen", None),
        ClaimSays::Nothing => ("none", None),
        ClaimSays::Here => ("this", None),
        ClaimSays::Elsewhere(tenant) => ("other", Some(tenant)),
    };
    let value = json!({
        "tenant": names_json(&report.tenant),
        "user_id": report.user_id.to_string(),
        "role": report.role,
        "claim": word,
        "claim_names": names,
        "gate_told": report.gate_problem.is_none(),
        "gate_problem": report.gate_problem,
    });
    let changed = !report.was_there;
    let view = View::item("member", value, facts)
        .with("changed", json!(changed))
        .with("dry_run", json!(report.is_dry_run));
    let view = if report.is_dry_run { view.into_plan() } else { view };
    let tenants = report.tenants;
    match &report.claim {
        ClaimSays::Elsewhere(tenant) => view.note(format_args!(
            "Tokens name `{tenant}`, as app_metadata.tenant_id in Supabase Auth does; they name \
             `{}` once it does.",
            report.tenant
        )),
        ClaimSays::Here => view,
        ClaimSays::Unseen | ClaimSays::Nothing if tenants > 1 => view.note(format_args!(
            "The user is a member of {tenants} tenants by an operator's word: tokens name the one that \
             app_metadata.tenant_id in Supabase Auth names, and none without it."
        )),
        ClaimSays::Nothing => {
            view.note("With the token hook, the user's next token names the tenant.")
        }
        ClaimSays::Unseen => view.note(
            "With the token hook, the user's next token names the tenant, unless \
             app_metadata.tenant_id in Supabase Auth names another one.",
        ),
    }
}

pub(crate) fn render_member_removed(report: &RemoveReport) -> View {
    let (slug, user) = (&report.tenant, report.user_id);
    let value = json!({
        "tenant": names_json(slug),
        "user_id": user.to_string(),
        "sessions": report.sessions,
    });
    let is_proven = report.ending().is_none() && !report.is_dry_run;
    let text = if report.is_dry_run {
        let outcome = match (report.was_removed, report.sessions) {
            (true, _) => "was removed before".to_owned(),
            (false, 1) => "would be removed, 1 valid session revoked".to_owned(),
            (false, n) => format!("would be removed, {n} valid sessions revoked"),
        };
        let facts = Facts::new().fact("tenant", slug).fact("user", user).fact("outcome", outcome);
        Text::from(facts)
    } else {
        let verdict = if is_proven {
            good(format_args!("removed from `{slug}`, and it is proved"))
        } else {
            bad(format_args!("removed from `{slug}`, but not everywhere"))
        };
        Text::from(Line::from(format_args!("User {user} is ")).and(verdict).and("."))
            .blank()
            .and(layer_table(&report.layers))
            .blank()
            .and(probe_table(&report.probes))
    };
    let view = View::item("member", value, text).with("changed", json!(!report.was_removed));
    if report.is_dry_run {
        return view.into_plan();
    }
    let view = view
        .with("dry_run", json!(false))
        .with("proven", json!(is_proven))
        .with("layers", report.layers.iter().map(layer_json).collect())
        .with("probes", report.probes.iter().map(probe_json).collect())
        .took(report.elapsed);
    if is_proven {
        view
    } else {
        let again = "Run it again until nothing fails; it continues what is left.";
        view.note(Text::new().blank().line(again))
    }
}

//! What the control plane's answer means for the token's session and its tenant: plain functions of
//! the claims and the answer, which `examine` asks for.

use time::OffsetDateTime;

use super::check::{CheckResult, Finding};
use super::claims::{Claim, UnverifiedClaims};
use crate::adapters::control_plane::{JudgedClaims, RecordedSession};
use crate::model::{SessionState, instant};

/// Judges the session by its row, or by the tenant's and the user's epochs where it has none.
pub(super) fn session(claims: &UnverifiedClaims, judged: &JudgedClaims) -> Finding {
    let name = match claims.session() {
        Claim::Wrong(what) => {
            return Finding::fail(format!("found {what} as the session's id"));
        }
        Claim::Missing => "neither `jti` nor `session_id`, so no session that was recorded".into(),
        Claim::Found(jti) => format!("`{jti}`, a session that was never recorded"),
    };
    // A refresh moves `iat` alone.
    let has_beginning = claims.all().get("amr").and_then(serde_json::Value::as_array);
    let has_beginning = has_beginning
        .is_some_and(|methods| methods.iter().any(|method| method["timestamp"].is_u64()));
    let name = if has_beginning {
        name
    } else {
        format!("{name} and does not say in `amr` when it began")
    };
    match &judged.session {
        Some(session) => recorded(session, claims, judged),
        None => unrecorded(&name, judged),
    }
}

/// Judges the tenant that the token names: Auth's word, unless an operator removed the user there.
/// `compared` is the result of the rule about the claim.
pub(super) fn tenant(
    claims: &UnverifiedClaims,
    judged: &JudgedClaims,
    compared: &Finding,
) -> Option<Finding> {
    let Claim::Found(id) = claims.tenant() else { return None };
    if compared.result == CheckResult::Fail {
        return None;
    }
    let Some(slug) = &judged.tenant else {
        return Some(Finding::fail(format!(
            "found `{id}`; the control plane knows no such tenant"
        )));
    };
    Some(match judged.removed_at {
        None => Finding::pass(format!("`{id}` is `{slug}`")),
        Some(at) => Finding::fail(format!(
            "found `{id}`, which is `{slug}`; an operator removed the user there at {}",
            instant(at)
        )),
    })
}

fn recorded(
    session: &RecordedSession,
    claims: &UnverifiedClaims,
    judged: &JudgedClaims,
) -> Finding {
    let jti = &session.jti;
    let is_another = |claim: Option<String>, recorded: uuid::Uuid| {
        claim.is_some_and(|claim| !claim.eq_ignore_ascii_case(&recorded.to_string()))
    };
    let (subject, tenant) = (found(claims.subject()), found(claims.tenant()));
    if is_another(subject, session.user_id.0) {
        return Finding::fail(format!("found `{jti}`, which belongs to another user"));
    }
    if is_another(tenant.map(|id| id.to_string()), session.tenant_id.0) {
        return Finding::fail(format!(
            "found `{jti}`, which belongs to another tenant: `{}`",
            session.tenant
        ));
    }
    if judged.passes {
        return Finding::pass(format!("`{jti}` is valid in `{}`", session.tenant));
    }
    let reason = match judged.state {
        SessionState::TenantLocked => {
            judged.lock_reason.as_ref().or(session.revoke_reason.as_ref())
        }
        _ => session.revoke_reason.as_ref(),
    };
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Finding::fail(format!(
        "found `{jti}`, which is {}; expected it to be valid{reason}",
        judged.state.word()
    ))
}

fn unrecorded(name: &str, judged: &JudgedClaims) -> Finding {
    let state = judged.state.word();
    let of = judged.tenant.as_ref().map_or("the tenant".to_owned(), |slug| format!("`{slug}`"));
    let since = |what: &str, mark: Option<OffsetDateTime>| match (judged.began, mark) {
        (Some(began), Some(mark)) => format!(
            "{what} is revoked up to {}, and this session began at {}",
            instant(mark),
            instant(began)
        ),
        (_, _) => format!("{what} is revoked"),
    };
    let why = match judged.state {
        // What passes is no failure, whatever it is called.
        _ if judged.passes => {
            return Finding::pass(format!(
                "found {name}; nothing speaks against it, and `unrecorded_passes` is on"
            ));
        }
        SessionState::Unrecorded => {
            "nothing speaks against it, but `unrecorded_passes` is off; it is switched on, where no token \
             hook records sessions, by `update control_plane.settings set unrecorded_passes = true`"
                .to_owned()
        }
        SessionState::TenantLocked => {
            let reason = judged.lock_reason.as_ref().map(|reason| format!(": {reason}"));
            format!("{of} is locked{}", reason.unwrap_or_default())
        }
        SessionState::TenantRevoked => since(&format!("everything in {of}"), judged.tenant_mark),
        SessionState::UserRevoked => since("everything of this user", judged.user_mark),
        SessionState::Expired => "it is over".to_owned(),
        SessionState::Unknown if judged.tenant.is_none() => {
            "the token names no tenant that the control plane knows".to_owned()
        }
        SessionState::NotAMember => format!("an operator removed the user from {of}"),
        SessionState::Revoked => "the sign-in was revoked".to_owned(),
        SessionState::SignedOut => "Supabase Auth has no such session any more".to_owned(),
        SessionState::NoTenant => "the user belongs to no tenant".to_owned(),
        SessionState::Unknown | SessionState::Valid => {
            "the control plane cannot make anything of the claims".to_owned()
        }
    };
    Finding::fail(format!("found {name} ({state}): {why}; expected one that is valid"))
}

fn found<T>(claim: Claim<T>) -> Option<T> {
    match claim {
        Claim::Found(value) => Some(value),
        Claim::Missing | Claim::Wrong(_) => None,
    }
}

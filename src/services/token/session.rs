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
    match &judged.session {
        Some(session) => recorded(session, claims, judged),
        None => unrecorded(&name, claims, judged),
    }
}

/// Judges the tenant that the token names by the tenants the user is known to be a member of: the
/// claim alone proves nothing. `compared` is the result of the rule about the claim.
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
    Some(if judged.works_here {
        Finding::pass(format!("`{id}` is `{slug}`, where the user works"))
    } else if judged.works_in.is_empty() {
        let detail = format!("`{id}` is `{slug}`; where the user works was never recorded");
        Finding { result: compared.result, detail }
    } else {
        Finding::fail(format!(
            "found `{id}`, which is `{slug}`; the user works in `{}` and not there",
            judged.works_in.join("`, `")
        ))
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

fn unrecorded(name: &str, claims: &UnverifiedClaims, judged: &JudgedClaims) -> Finding {
    let state = judged.state.word();
    let of = judged.tenant.as_ref().map_or("the tenant".to_owned(), |slug| format!("`{slug}`"));
    let since = |what: &str, mark: Option<OffsetDateTime>| match (claims.date("iat"), mark) {
        (Some(issued), Some(mark)) => format!(
            "{what} is revoked up to {}, and this was issued at {}",
            instant(mark),
            instant(issued)
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
            "nothing speaks against it, but `unrecorded_passes` is off".to_owned()
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
        SessionState::Unknown if !judged.works_here && !judged.works_in.is_empty() => {
            format!("the user does not work in {of}")
        }
        SessionState::Unknown | SessionState::Revoked | SessionState::Valid => {
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

//! Claims and sessions as the control plane judges them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Operator, Session};

pub(crate) const STATES: [&str; 11] = [
    "valid",
    "revoked",
    "expired",
    "unknown",
    "user_revoked",
    "tenant_revoked",
    "tenant_locked",
    "unrecorded",
    "signed_out",
    "not_a_member",
    "no_tenant",
];

pub(crate) fn user() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn create(operator: &Operator, slug: &str) -> String {
    let _ran = operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    operator.tenant(slug).id
}

pub(crate) fn state(plane: &mut Session, jti: &str) -> String {
    plane.value(&format!("SELECT control_plane.session_state('{jti}')"))
}

/// The state of the one part that a sign-in has.
pub(crate) fn state_of_sign_in(plane: &mut Session, session: &str) -> String {
    plane.value(&format!(
        "SELECT state FROM control_plane.session_states WHERE session_id = '{session}'"
    ))
}

pub(crate) fn quoted(claims: &Value) -> String {
    claims.to_string().replace('\'', "''")
}

pub(crate) fn judged(plane: &mut Session, claims: &Value) -> String {
    plane.value(&format!("SELECT control_plane.claims_state('{}')", quoted(claims)))
}

pub(crate) fn is_valid(plane: &mut Session, claims: &Value) -> bool {
    plane.value(&format!("SELECT control_plane.are_claims_valid('{}')", quoted(claims)))
}

/// What the database's clock says, in whole seconds.
pub(crate) fn now(plane: &mut Session) -> i64 {
    plane.value("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
}

pub(crate) fn token(user: &str, tenant: &str, issued_at: i64) -> Value {
    json!({ "sub": user, "iat": issued_at, "exp": issued_at + 3600, "role": "authenticated",
            "session_id": Uuid::new_v4(), "app_metadata": { "tenant_id": tenant } })
}

/// What Auth hands the hook: a sign-in of that second, or the refresh of one from ten seconds before.
pub(crate) fn event(
    user: &str,
    session: &str,
    tenant: Option<&str>,
    method: &str,
    issued_at: i64,
) -> Value {
    let began = if method == "token_refresh" { issued_at - 10 } else { issued_at };
    let metadata = tenant.map_or(json!({}), |tenant| json!({ "tenant_id": tenant }));
    json!({
        "metadata": { "uuid": Uuid::new_v4(), "name": "customize-access-token",
            "time": "2026-11-26T13:10:20.988247058Z", "ip_address": "203.0.113.7" },
        "user_id": user, "authentication_method": method,
        "claims": { "aud": "authenticated", "iss": "https://x.supabase.co/auth/v1", "sub": user,
            "iat": issued_at, "exp": issued_at + 3600, "email": "a@b.c", "phone": "",
            "role": "authenticated", "aal": "aal1", "session_id": session, "is_anonymous": false,
            "amr": [{ "method": "password", "timestamp": began }],
            "app_metadata": metadata, "user_metadata": {} }
    })
}

pub(crate) fn hook(auth: &mut Session, event: &Value) -> Value {
    let text: String = auth.value(&format!(
        "SELECT control_plane.custom_access_token_hook('{}')::text",
        quoted(event)
    ));
    serde_json::from_str(&text).unwrap()
}

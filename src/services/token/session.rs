//! Whether a token's session still stands: the one place that asks the control plane.

use super::TokenError;
use super::check::Finding;
use super::claims::{Claim, UnverifiedClaims};
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::SessionState;

/// Asks for the session's state, and compares what was recorded with what the token says.
pub(super) async fn judge(
    plane: &ControlPlane,
    claims: &UnverifiedClaims,
) -> Result<Finding, TokenError> {
    let jti = match claims.session() {
        Claim::Missing => {
            return Ok(Finding::fail(
                "the token has neither `jti` nor `session_id`; expected one that is recorded",
            ));
        }
        Claim::Wrong(what) => {
            return Ok(Finding::fail(format!("found {what} as the session's id")));
        }
        Claim::Found(jti) => jti,
    };
    let mut connection = plane.session().await?;
    let Some(session) = control_plane::find_session(&mut connection, &jti).await? else {
        return Ok(Finding::fail(format!("found `{jti}`, which was never recorded")));
    };
    if session.state != SessionState::Valid.word() {
        let reason = session.revoke_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        return Ok(Finding::fail(format!(
            "found `{jti}`, which is {}; expected it to be valid{reason}",
            session.state
        )));
    }
    if let Claim::Found(subject) = claims.subject()
        && subject != session.user_id.to_string()
    {
        return Ok(Finding::fail(format!("found `{jti}`, which belongs to another user")));
    }
    if let Claim::Found(tenant) = claims.tenant()
        && tenant.0 != session.tenant_id
    {
        return Ok(Finding::fail(format!("found `{jti}`, which belongs to another tenant")));
    }
    Ok(Finding::pass(format!("`{jti}` is valid in `{}`", session.tenant)))
}

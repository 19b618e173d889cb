//! An access token: claims, the hook, the signature.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::answer::Refusal;
use super::server::Shared;
use super::users::User;

/// How long a token lives.
const LIFE: i64 = 3600;

/// The hook's own limit, in milliseconds.
const LIMIT: &str = "SET LOCAL statement_timeout TO '2000'";

/// What a token must keep, whatever a hook does to it.
const REQUIRED: [&str; 10] =
    ["aud", "exp", "iat", "sub", "email", "phone", "role", "aal", "session_id", "is_anonymous"];

/// Returns a token for a session whose rows are written, through the hook where it is on.
pub(super) async fn issue(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    session: &str,
    method: &str,
) -> Result<(String, i64), Refusal> {
    let claims = claims(tx, shared, user, session).await?;
    let expiry = claims["exp"].as_i64().unwrap();
    let claims =
        if shared.calls_hook { hooked(tx, shared, user, claims, method).await? } else { claims };
    let token = shared.signer.token(&claims);
    shared.state().issued.insert(token.clone());
    Ok((token, expiry))
}

async fn claims(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    session: &str,
) -> Result<Value, Refusal> {
    let amr: Value = sqlx::query_scalar(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('method', authentication_method, \
           'timestamp', floor(extract(epoch FROM updated_at))::bigint) ORDER BY updated_at DESC), \
           '[]') FROM mfa_amr_claims WHERE session_id = $1::uuid",
    )
    .bind(session)
    .fetch_one(&mut *tx)
    .await?;
    let (aal, client, scope): (Option<String>, Option<Uuid>, Option<String>) = sqlx::query_as(
        "SELECT aal::text, oauth_client_id, scopes FROM sessions WHERE id = $1::uuid",
    )
    .bind(session)
    .fetch_one(tx)
    .await?;
    let second = shared.now().unix_timestamp();
    let mut claims = json!({ "aal": aal, "amr": amr, "aud": user.text("aud"),
        "exp": second + LIFE, "iat": second, "iss": shared.issuer.get(), "sub": user.id(),
        "role": user.text("role"), "email": user.text("email"), "phone": user.text("phone"),
        "session_id": session, "app_metadata": user.metadata("raw_app_meta_data"),
        "is_anonymous": user.is("is_anonymous"),
        "user_metadata": user.metadata("raw_user_meta_data") });
    if let Some(client) = client {
        claims["client_id"] = json!(client);
        claims["scope"] = json!(scope);
    }
    Ok(claims)
}

/// Asks the hook in the transaction that wrote the session's rows, as Auth does.
async fn hooked(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    claims: Value,
    method: &str,
) -> Result<Value, Refusal> {
    let event = json!({ "claims": claims, "user_id": user.id(), "authentication_method": method,
        "metadata": { "name": "customize-access-token", "uuid": Uuid::new_v4(),
            "time": shared.now().format(&Rfc3339).unwrap(), "ip_address": "127.0.0.1" } });
    sqlx::query(LIMIT).execute(&mut *tx).await?;
    let answer: Value = sqlx::query_scalar("SELECT control_plane.custom_access_token_hook($1)")
        .bind(event)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query("SET LOCAL statement_timeout TO default").execute(&mut *tx).await?;
    if let Some(error) = answer.get("error") {
        let status = u16::try_from(error["http_code"].as_u64().unwrap()).unwrap();
        let sentence = error["message"].as_str().unwrap();
        return Err(Refusal::because(status, "unknown", sentence));
    }
    let claims = &answer["claims"];
    if REQUIRED.iter().any(|name| claims[name].is_null()) {
        let sentence = "output claims do not conform to the expected schema";
        return Err(Refusal::because(500, "unexpected_failure", sentence));
    }
    Ok(claims.clone())
}

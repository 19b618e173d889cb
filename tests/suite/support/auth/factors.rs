//! A second factor: enrolled, challenged, verified. Its code is its secret, as nobody here has a
//! clock to show.

use serde_json::json;
use uuid::Uuid;

use super::account::{Bearer, bearer};
use super::answer::{Refusal, Said};
use super::routes::Asked;
use super::server::Shared;
use super::sign_in;

pub(super) async fn enrol(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let Bearer { mut tx, user, .. } = bearer(shared, asked).await?;
    let (factor, name) = (Uuid::new_v4(), asked.text("friendly_name"));
    let secret = format!("{:06}", factor.as_fields().0 % 1_000_000);
    sqlx::query(
        "INSERT INTO mfa_factors (id, user_id, friendly_name, factor_type, status, created_at, \
           updated_at, secret) VALUES ($1, $2::uuid, $3, 'totp', 'unverified', $4, $4, $5)",
    )
    .bind(factor)
    .bind(user.id())
    .bind(name)
    .bind(shared.now())
    .bind(&secret)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Said::ok(json!({ "id": factor, "type": "totp", "friendly_name": name,
        "totp": { "qr_code": "<svg/>", "secret": secret, "uri": "otpauth://totp/x" } })))
}

pub(super) async fn challenge(
    shared: &Shared,
    asked: &Asked,
    factor: &str,
) -> Result<Said, Refusal> {
    let Bearer { mut tx, .. } = bearer(shared, asked).await?;
    let (challenge, now) = (Uuid::new_v4(), shared.now());
    sqlx::query("UPDATE mfa_factors SET last_challenged_at = $2 WHERE id = $1::uuid")
        .bind(factor)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO mfa_challenges (id, factor_id, created_at) VALUES ($1, $2::uuid, $3)")
        .bind(challenge)
        .bind(factor)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let expiry = now.unix_timestamp() + 300;
    Ok(Said::ok(json!({ "id": challenge, "type": "totp", "expires_at": expiry })))
}

/// The same session goes on, stronger; the user's weaker ones end.
pub(super) async fn verify(shared: &Shared, asked: &Asked, factor: &str) -> Result<Said, Refusal> {
    let Bearer { mut tx, user, session } = bearer(shared, asked).await?;
    let verified = sqlx::query(
        "WITH challenge AS (UPDATE mfa_challenges SET verified_at = $4 FROM mfa_factors f \
           WHERE mfa_challenges.id::text = $2 AND f.id = factor_id AND f.id::text = $1 \
             AND f.secret = $3 RETURNING factor_id) \
         UPDATE mfa_factors SET status = 'verified', updated_at = $4 \
           WHERE id IN (SELECT factor_id FROM challenge)",
    )
    .bind(factor)
    .bind(asked.text("challenge_id"))
    .bind(asked.text("code"))
    .bind(shared.now())
    .execute(&mut *tx)
    .await?;
    if verified.rows_affected() == 0 {
        let sentence = "Invalid TOTP code entered";
        return Err(Refusal::because(422, "mfa_verification_failed", sentence));
    }
    sign_in::add_method(&mut tx, shared, &session, "totp").await?;
    let current = "SELECT token FROM refresh_tokens WHERE session_id = $1::uuid AND revoked = false \
         ORDER BY id DESC LIMIT 1 FOR UPDATE";
    let current: String = sqlx::query_scalar(current).bind(&session).fetch_one(&mut *tx).await?;
    let refresh =
        sign_in::new_refresh_token(&mut tx, shared, &user, &session, Some(&current)).await?;
    sqlx::query("UPDATE sessions SET aal = 'aal2', factor_id = $2::uuid WHERE id = $1::uuid")
        .bind(&session)
        .bind(factor)
        .execute(&mut *tx)
        .await?;
    let said = sign_in::answered(&mut tx, shared, &user, &session, "totp", &refresh).await?;
    sqlx::query("DELETE FROM sessions WHERE user_id = $1::uuid AND aal < 'aal2'")
        .bind(user.id())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Said::ok(said))
}

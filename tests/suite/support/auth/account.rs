//! What users do with their own account: look at it, change the password, sign out.

use serde_json::Value;
use sqlx::{Postgres, Transaction};

use super::answer::{Refusal, Said};
use super::routes::Asked;
use super::server::Shared;
use super::users::User;

/// Who asks with an access token: the transaction that found them, the user, their session.
pub(super) struct Bearer {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) user: User,
    pub(super) session: String,
}

/// Lets in whoever holds a token of ours whose user and session are there.
pub(super) async fn bearer(shared: &Shared, asked: &Asked) -> Result<Bearer, Refusal> {
    let claims = claims(shared, asked)?;
    let mut tx = shared.begin().await?;
    let user = User::by_id(&mut tx, claims["sub"].as_str().unwrap()).await?.ok_or_else(|| {
        Refusal::because(403, "user_not_found", "User from sub claim in JWT does not exist")
    })?;
    let session = claims["session_id"].as_str().unwrap().to_owned();
    let found = sqlx::query("SELECT FROM sessions WHERE id = $1::uuid")
        .bind(&session)
        .fetch_optional(&mut *tx)
        .await?;
    if found.is_none() {
        let sentence = "Session from session_id claim in JWT does not exist";
        return Err(Refusal::because(403, "session_not_found", sentence));
    }
    if user.is_banned(&shared.instant()) {
        return Err(Refusal::because(403, "user_banned", "User is banned"));
    }
    Ok(Bearer { tx, user, session })
}

/// Returns the claims of the token that a request came with.
pub(super) fn claims(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    let Some(token) = &asked.bearer else {
        let sentence = "This endpoint requires a valid Bearer token";
        return Err(Refusal::because(401, "no_authorization", sentence));
    };
    if !shared.state().issued.contains(token) {
        let sentence = "invalid JWT: unable to parse or verify signature, token signature is \
                        invalid: signature is invalid";
        return Err(Refusal::because(403, "bad_jwt", sentence));
    }
    Ok(super::client::payload(token))
}

pub(super) async fn show(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    Ok(Said::ok(bearer(shared, asked).await?.user.shown()))
}

/// A new password ends the user's other sessions and whatever was proven before.
pub(super) async fn change(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let Bearer { mut tx, user, session } = bearer(shared, asked).await?;
    sqlx::query(
        "UPDATE users SET encrypted_password = $2, confirmation_token = '', recovery_token = '', \
           recovery_sent_at = NULL, email_change_token_current = '', email_change_token_new = '', \
           phone_change_token = '', reauthentication_token = '', updated_at = $3 \
         WHERE id = $1::uuid",
    )
    .bind(user.id())
    .bind(asked.text("password"))
    .bind(shared.now())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM one_time_tokens WHERE user_id = $1::uuid")
        .bind(user.id())
        .execute(&mut *tx)
        .await?;
    end_others(&mut tx, &user, &session).await?;
    let user = user.again(&mut tx).await?;
    tx.commit().await?;
    Ok(Said::ok(user.shown()))
}

/// Everywhere, unless the scope is this session or the others.
pub(super) async fn sign_out(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let Bearer { mut tx, user, session } = bearer(shared, asked).await?;
    match asked.parameter("scope") {
        "local" => {
            let sql = "DELETE FROM sessions WHERE id = $1::uuid";
            sqlx::query(sql).bind(&session).execute(&mut *tx).await?;
        }
        "others" => end_others(&mut tx, &user, &session).await?,
        _ => {
            let sql = "DELETE FROM sessions WHERE user_id = $1::uuid";
            sqlx::query(sql).bind(user.id()).execute(&mut *tx).await?;
        }
    }
    tx.commit().await?;
    Ok(Said::nothing())
}

async fn end_others(
    tx: &mut Transaction<'static, Postgres>,
    user: &User,
    session: &str,
) -> Result<(), Refusal> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1::uuid AND id <> $2::uuid")
        .bind(user.id())
        .bind(session)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

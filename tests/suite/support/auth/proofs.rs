//! What is proven now and used later: links, codes typed from an e-mail, PKCE codes.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::{Refusal, Said};
use super::client::challenge as announced;
use super::routes::Asked;
use super::server::Shared;
use super::sign_in;
use super::users::{User, users_where};

const BY_CONFIRMATION: &str = users_where!(
    "id = (SELECT user_id FROM one_time_tokens WHERE token_hash = $1 \
       AND token_type = 'confirmation_token')"
);

const BY_RECOVERY: &str = users_where!(
    "id = (SELECT user_id FROM one_time_tokens WHERE token_hash = $1 \
       AND token_type = 'recovery_token')"
);

const SITE: &str = "http://127.0.0.1:3000";

/// A link made by the admin API: to sign in, to recover, to accept an invitation.
pub(super) async fn generate_link(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let (kind, email) = (asked.text("type"), asked.text("email"));
    let user = User::by_email(&mut tx, email).await?;
    let user = match (kind, user) {
        ("magiclink" | "recovery", Some(user)) => user,
        ("invite", None) => sign_in::create(&mut tx, shared, Some(email), None, false).await?,
        ("invite", Some(_)) => {
            let sentence = "A user with this email address has already been registered";
            return Err(Refusal::because(422, "email_exists", sentence));
        }
        _ => {
            let sentence = "User with this email not found";
            return Err(Refusal::because(404, "user_not_found", sentence));
        }
    };
    let (code, hash) = new_code(&mut tx, email).await?;
    if kind == "invite" {
        let sql = "UPDATE users SET confirmation_token = $2, confirmation_sent_at = $3, \
                   invited_at = $3 WHERE id = $1::uuid";
        let now = shared.now();
        sqlx::query(sql).bind(user.id()).bind(&hash).bind(now).execute(&mut *tx).await?;
        keep(&mut tx, &user, "confirmation_token", &hash).await?;
    } else {
        recover(&mut tx, shared, &user, &hash).await?;
    }
    let mut said = user.again(&mut tx).await?.shown();
    tx.commit().await?;
    let base = shared.issuer.get().unwrap();
    said["action_link"] =
        json!(format!("{base}/verify?token={hash}&type={kind}&redirect_to={SITE}"));
    said["email_otp"] = json!(code);
    said["hashed_token"] = json!(hash);
    said["verification_type"] = json!(kind);
    said["redirect_to"] = json!(SITE);
    Ok(Said::ok(said))
}

/// A link sent by e-mail, to be followed where the verifier is; the e-mail is a column of the user.
pub(super) async fn one_time_password(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let user = User::by_email(&mut tx, asked.text("email")).await?;
    let Some(user) = user else {
        let sentence = "Signups not allowed for otp";
        return Err(Refusal::because(422, "otp_disabled", sentence));
    };
    sqlx::query(
        "INSERT INTO flow_state (id, user_id, code_challenge_method, code_challenge, \
           provider_type, authentication_method, created_at, updated_at) \
         VALUES (gen_random_uuid(), $1::uuid, 's256', $2, 'magiclink', 'magiclink', $3, $3)",
    )
    .bind(user.id())
    .bind(asked.text("code_challenge"))
    .bind(shared.now())
    .execute(&mut *tx)
    .await?;
    let (_, hash) = new_code(&mut tx, user.text("email")).await?;
    recover(&mut tx, shared, &user, &format!("pkce_{hash}")).await?;
    tx.commit().await?;
    Ok(Said::ok(json!({})))
}

/// A link followed: back to the site with a code for whoever holds the verifier.
pub(super) async fn follow(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let token = asked.parameter("token");
    let found = User::found(&mut tx, BY_RECOVERY, token).await?;
    let Some(user) = found.filter(|user| !user.is_banned(&shared.instant())) else {
        let error = "error=access_denied&error_code=otp_expired";
        return Ok(Said::see_other(&format!("{SITE}?{error}")));
    };
    used(&mut tx, shared, &user).await?;
    let code = Uuid::new_v4().to_string();
    sqlx::query(
        "UPDATE flow_state SET auth_code = $2, auth_code_issued_at = $3 WHERE id = (SELECT id \
           FROM flow_state WHERE user_id = $1::uuid AND authentication_method = 'magiclink' \
           ORDER BY created_at DESC LIMIT 1)",
    )
    .bind(user.id())
    .bind(&code)
    .bind(shared.now())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Said::see_other(&format!("{SITE}?code={code}")))
}

/// A PKCE code exchanged for a session.
pub(super) async fn exchange(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let sql = "SELECT user_id::text, code_challenge, authentication_method FROM flow_state \
               WHERE auth_code = $1";
    let found: Option<(String, String, String)> =
        sqlx::query_as(sql).bind(asked.text("auth_code")).fetch_optional(&mut *tx).await?;
    let gone = || {
        let sentence = "invalid flow state, no valid flow state found";
        Refusal::because(404, "flow_state_not_found", sentence)
    };
    let (user, challenge, method) = found.ok_or_else(gone)?;
    if challenge != announced(asked.text("code_verifier")) {
        let sentence = "code challenge does not match previously saved code verifier";
        return Err(Refusal::because(400, "bad_code_verifier", sentence));
    }
    let user = User::by_id(&mut tx, &user).await?.ok_or_else(gone)?;
    let said = sign_in::open(&mut tx, shared, &user, &sign_in::by(&method)).await?;
    let sql = "DELETE FROM flow_state WHERE auth_code = $1";
    sqlx::query(sql).bind(asked.text("auth_code")).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Said::ok(said))
}

/// A link's token, found among the one-time tokens, or a typed code, compared with the user's column.
pub(super) async fn verify(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let is_invitation = asked.text("type") == "invite";
    let column = if is_invitation { "confirmation_token" } else { "recovery_token" };
    let (hash, by_code) = match asked.body["token_hash"].as_str() {
        Some(hash) => (hash.to_owned(), false),
        None => (hashed(&mut tx, asked.text("email"), asked.text("token")).await?, true),
    };
    let user = if by_code {
        let user = User::by_email(&mut tx, asked.text("email")).await?;
        user.filter(|user| user.text(column) == hash)
    } else if is_invitation {
        User::found(&mut tx, BY_CONFIRMATION, &hash).await?
    } else {
        User::found(&mut tx, BY_RECOVERY, &hash).await?
    };
    let Some(user) = user else {
        let sentence = if by_code {
            "Token has expired or is invalid"
        } else {
            "Email link is invalid or has expired"
        };
        return Err(Refusal::because(403, "otp_expired", sentence));
    };
    if user.is_banned(&shared.instant()) {
        return Err(Refusal::because(403, "user_banned", "User is banned"));
    }
    used(&mut tx, shared, &user).await?;
    let said = sign_in::open(&mut tx, shared, &user, &sign_in::by("otp")).await?;
    tx.commit().await?;
    Ok(Said::ok(said))
}

/// Confirms the user, and takes what was used out of both places.
async fn used(tx: &mut PgConnection, shared: &Shared, user: &User) -> Result<(), Refusal> {
    sqlx::query(
        "UPDATE users SET recovery_token = '', confirmation_token = '', confirmation_sent_at = NULL, \
           email_confirmed_at = coalesce(email_confirmed_at, $2) WHERE id = $1::uuid",
    )
    .bind(user.id())
    .bind(shared.now())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM one_time_tokens WHERE user_id = $1::uuid")
        .bind(user.id())
        .execute(tx)
        .await?;
    Ok(())
}

async fn recover(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    hash: &str,
) -> Result<(), Refusal> {
    let sql = "UPDATE users SET recovery_token = $2, recovery_sent_at = $3 WHERE id = $1::uuid";
    sqlx::query(sql).bind(user.id()).bind(hash).bind(shared.now()).execute(&mut *tx).await?;
    keep(tx, user, "recovery_token", hash).await
}

/// Keeps a token in place of the one of the same kind.
async fn keep(tx: &mut PgConnection, user: &User, kind: &str, hash: &str) -> Result<(), Refusal> {
    sqlx::query("DELETE FROM one_time_tokens WHERE user_id = $1::uuid AND token_type::text = $2")
        .bind(user.id())
        .bind(kind)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO one_time_tokens (id, user_id, token_type, token_hash, relates_to) \
         VALUES (gen_random_uuid(), $1::uuid, $2::one_time_token_type, $3, $4)",
    )
    .bind(user.id())
    .bind(kind)
    .bind(hash)
    .bind(user.text("email"))
    .execute(tx)
    .await?;
    Ok(())
}

/// Returns a code of six digits and what is kept of it.
async fn new_code(tx: &mut PgConnection, email: &str) -> Result<(String, String), Refusal> {
    let code = format!("{:06}", Uuid::new_v4().as_fields().0 % 1_000_000);
    let hash = hashed(tx, email, &code).await?;
    Ok((code, hash))
}

async fn hashed(tx: &mut PgConnection, email: &str, code: &str) -> Result<String, Refusal> {
    let sql = "SELECT encode(sha224(convert_to($1 || $2, 'UTF8')), 'hex')";
    Ok(sqlx::query_scalar(sql).bind(email).bind(code).fetch_one(tx).await?)
}

//! How sessions begin and go on: signing up, signing in, refreshing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::{Refusal, Said};
use super::routes::Asked;
use super::server::Shared;
use super::token;
use super::users::User;

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// What a new session is opened with.
#[derive(Default)]
pub(super) struct Grant<'a> {
    pub(super) method: &'a str,
    /// The client of an OAuth session, and its scopes.
    pub(super) client: Option<(Uuid, String)>,
}

pub(super) fn by(method: &str) -> Grant<'_> {
    Grant { method, client: None }
}

/// With a password, confirmed at once; without anything, anonymously.
pub(super) async fn sign_up(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let (email, method) = match asked.body["email"].as_str() {
        Some(email) => (Some(email), "password"),
        None => (None, "anonymous"),
    };
    if let Some(email) = email
        && User::by_email(&mut tx, email).await?.is_some()
    {
        let sentence = "User already registered";
        return Err(Refusal::because(422, "user_already_exists", sentence));
    }
    let user = create(&mut tx, shared, email, asked.body["password"].as_str(), true).await?;
    // A hook that refuses the session leaves the user.
    tx.commit().await?;
    let mut tx = shared.begin().await?;
    let said = open(&mut tx, shared, &user, &by(method)).await?;
    tx.commit().await?;
    Ok(Said::ok(said))
}

/// Writes a new user's rows.
pub(super) async fn create(
    tx: &mut PgConnection,
    shared: &Shared,
    email: Option<&str>,
    password: Option<&str>,
    is_confirmed: bool,
) -> Result<User, Refusal> {
    let (id, now) = (Uuid::new_v4(), shared.now());
    let email = email.map(str::to_lowercase);
    let (provided, about) = match &email {
        Some(email) => (
            json!({ "provider": "email", "providers": ["email"] }),
            json!({ "email": email, "email_verified": is_confirmed, "phone_verified": false,
                "sub": id }),
        ),
        None => (json!({}), json!({})),
    };
    sqlx::query(
        "INSERT INTO users (instance_id, id, aud, role, email, encrypted_password, \
           raw_app_meta_data, raw_user_meta_data, is_anonymous, confirmation_token, \
           recovery_token, email_change_token_new, created_at, updated_at, email_confirmed_at) \
         VALUES ($1::uuid, $2, 'authenticated', 'authenticated', $3, $4, $5, $6, $3 IS NULL, \
           '', '', '', $7, $7, CASE WHEN $8 AND $3 IS NOT NULL THEN $7 END)",
    )
    .bind(NOBODY)
    .bind(id)
    .bind(&email)
    .bind(password)
    .bind(provided)
    .bind(if is_confirmed { about.clone() } else { json!({}) })
    .bind(now)
    .bind(is_confirmed)
    .execute(&mut *tx)
    .await?;
    if let Some(email) = &email {
        sqlx::query(
            "INSERT INTO identities (provider_id, user_id, identity_data, provider, email, \
               last_sign_in_at, created_at, updated_at) \
             VALUES ($1, $1::uuid, $2, 'email', $3, $4, $4, $4)",
        )
        .bind(id.to_string())
        .bind(about)
        .bind(email)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    }
    Ok(User::by_id(tx, &id.to_string()).await?.unwrap())
}

pub(super) async fn by_password(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let user = User::by_email(&mut tx, asked.text("email")).await?;
    let is_right = |user: &User| user.text("encrypted_password") == asked.text("password");
    let Some(user) = user.filter(is_right) else {
        return Err(Refusal::because(400, "invalid_credentials", "Invalid login credentials"));
    };
    if user.is_banned(&shared.instant()) {
        return Err(Refusal::because(400, "user_banned", "User is banned"));
    }
    let mut said = open(&mut tx, shared, &user, &by("password")).await?;
    tx.commit().await?;
    said["weak_password"] = Value::Null;
    Ok(Said::ok(said))
}

/// Opens a session: its rows first, then the hook, all in the caller's transaction.
pub(super) async fn open(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    grant: &Grant<'_>,
) -> Result<Value, Refusal> {
    let (session, now) = (Uuid::new_v4().to_string(), shared.now());
    let (client, scopes) = grant.client.clone().unzip();
    sqlx::query(
        "INSERT INTO sessions (id, user_id, created_at, updated_at, aal, ip, oauth_client_id, \
           scopes) VALUES ($1::uuid, $2::uuid, $3, $3, 'aal1', '127.0.0.1', $4, $5)",
    )
    .bind(&session)
    .bind(user.id())
    .bind(now)
    .bind(client)
    .bind(scopes)
    .execute(&mut *tx)
    .await?;
    let refresh = new_refresh_token(tx, shared, user, &session, None).await?;
    add_method(tx, shared, &session, grant.method).await?;
    answered(tx, shared, user, &session, grant.method, &refresh).await
}

/// Notes that a session was proven by a method, now.
pub(super) async fn add_method(
    tx: &mut PgConnection,
    shared: &Shared,
    session: &str,
    method: &str,
) -> Result<(), Refusal> {
    sqlx::query(
        "INSERT INTO mfa_amr_claims (id, session_id, created_at, updated_at, \
           authentication_method) VALUES (gen_random_uuid(), $1::uuid, $2, $2, $3) \
         ON CONFLICT (session_id, authentication_method) DO UPDATE SET updated_at = $2",
    )
    .bind(session)
    .bind(shared.now())
    .bind(method)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a session's next refresh token.
pub(super) async fn new_refresh_token(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    session: &str,
    parent: Option<&str>,
) -> Result<String, Refusal> {
    let now = shared.now();
    let token = Uuid::new_v4().simple().to_string()[..12].to_owned();
    sqlx::query("UPDATE refresh_tokens SET revoked = true, updated_at = $2 WHERE token = $1")
        .bind(parent)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO refresh_tokens (instance_id, token, user_id, revoked, parent, session_id, \
           created_at, updated_at) VALUES ($1::uuid, $2, $3, false, $4, $5::uuid, $6, $6)",
    )
    .bind(NOBODY)
    .bind(&token)
    .bind(user.id())
    .bind(parent.unwrap_or_default())
    .bind(session)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    // A refresh writes the same again.
    sqlx::query(
        "UPDATE users SET last_sign_in_at = CASE WHEN $2 THEN $3 ELSE last_sign_in_at END, \
           updated_at = $3 WHERE id = $1::uuid",
    )
    .bind(user.id())
    .bind(parent.is_none())
    .bind(now)
    .execute(tx)
    .await?;
    Ok(token)
}

/// Issues the access token and returns both as the API shows them.
pub(super) async fn answered(
    tx: &mut PgConnection,
    shared: &Shared,
    user: &User,
    session: &str,
    method: &str,
    refresh: &str,
) -> Result<Value, Refusal> {
    let user = user.again(tx).await?;
    let (access, expiry) = token::issue(tx, shared, &user, session, method).await?;
    Ok(json!({ "access_token": access, "token_type": "bearer", "expires_in": 3600,
        "expires_at": expiry, "refresh_token": refresh, "user": user.shown() }))
}

pub(super) async fn refresh(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    refreshed(shared, asked.text("refresh_token")).await.map(Said::ok)
}

/// Waits for a token that another request holds here, not in the database, as Auth does.
pub(super) async fn refreshed(shared: &Shared, old: &str) -> Result<Value, Refusal> {
    let not_found = || {
        let sentence = "Invalid Refresh Token: Refresh Token Not Found";
        Refusal::because(400, "refresh_token_not_found", sentence)
    };
    let since = Instant::now();
    loop {
        let mut tx = shared.begin().await?;
        let sql = "SELECT session_id::text, user_id FROM refresh_tokens WHERE token = $1";
        let found: Option<(String, String)> =
            sqlx::query_as(sql).bind(old).fetch_optional(&mut *tx).await?;
        let Some((session, user)) = found else { return Err(not_found()) };
        let user = User::by_id(&mut tx, &user).await?.ok_or_else(not_found)?;
        if user.is_banned(&shared.instant()) {
            let sentence = "Invalid Refresh Token: User Banned";
            return Err(Refusal::because(400, "user_banned", sentence));
        }
        let token = "SELECT revoked FROM refresh_tokens WHERE token = $1 FOR UPDATE SKIP LOCKED";
        let token: Option<bool> =
            sqlx::query_scalar(token).bind(old).fetch_optional(&mut *tx).await?;
        let own = "SELECT true FROM sessions WHERE id = $1::uuid FOR UPDATE SKIP LOCKED";
        let own: Option<bool> =
            sqlx::query_scalar(own).bind(&session).fetch_optional(&mut *tx).await?;
        let (Some(is_used), Some(_)) = (token, own) else {
            if since.elapsed() > Duration::from_secs(5) {
                return Err(not_found());
            }
            drop(tx);
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if is_used {
            let sentence = "Invalid Refresh Token: Already Used";
            return Err(Refusal::because(400, "refresh_token_already_used", sentence));
        }
        let new = new_refresh_token(&mut tx, shared, &user, &session, Some(old)).await?;
        let said = answered(&mut tx, shared, &user, &session, "token_refresh", &new).await?;
        sqlx::query("UPDATE sessions SET refreshed_at = $2, updated_at = $3 WHERE id = $1::uuid")
            .bind(&session)
            .bind(time::PrimitiveDateTime::new(shared.now().date(), shared.now().time()))
            .bind(shared.now())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        return Ok(said);
    }
}

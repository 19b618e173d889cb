//! Auth as an OAuth server: a client, an approved authorization, and its code exchanged.

use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::answer::{Refusal, Said};
use super::routes::Asked;
use super::server::{AuthServer, Shared};
use super::sign_in::{self, Grant};
use super::users::User;

pub(super) async fn register(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let (client, now) = (Uuid::new_v4(), shared.now());
    let joined = |field: &str| {
        let words = asked.body[field].as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(",")
    };
    sqlx::query(
        "INSERT INTO oauth_clients (id, registration_type, redirect_uris, grant_types, \
           client_name, client_type, token_endpoint_auth_method, created_at, updated_at) \
         VALUES ($1, 'dynamic', $2, $3, $4, 'public', 'none', $5, $5)",
    )
    .bind(client)
    .bind(joined("redirect_uris"))
    .bind(joined("grant_types"))
    .bind(asked.text("client_name"))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let at = now.format(&Rfc3339).unwrap();
    let body = json!({ "client_id": client, "client_type": "public",
        "redirect_uris": asked.body["redirect_uris"], "token_endpoint_auth_method": "none",
        "grant_types": asked.body["grant_types"], "response_types": ["code"],
        "client_name": asked.text("client_name"), "registration_type": "dynamic",
        "created_at": at, "updated_at": at });
    Ok(Said { status: 201, ..Said::ok(body) })
}

impl AuthServer {
    /// Has a user approve a registered client, as the consent page does, and returns the code.
    pub(crate) fn approved(&self, user: &str, client: &str) -> String {
        let code = Uuid::new_v4().to_string();
        self.session().run(&format!(
            "INSERT INTO auth.oauth_authorizations (id, authorization_id, client_id, user_id, \
               redirect_uri, scope, status, authorization_code, approved_at, expires_at) \
             VALUES (gen_random_uuid(), gen_random_uuid()::text, '{client}', '{user}', \
               'http://127.0.0.1:3000/cb', 'openid email', 'approved', '{code}', now(), \
               now() + interval '10 minutes')"
        ));
        code
    }
}

pub(super) async fn token(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    if asked.text("grant_type") == "refresh_token" {
        let said = sign_in::refreshed(shared, asked.text("refresh_token")).await?;
        return Ok(Said::ok(without_user(&said)));
    }
    let mut tx = shared.begin().await?;
    let found: Option<(Uuid, Uuid, String)> = sqlx::query_as(
        "SELECT client_id, user_id, scope FROM oauth_authorizations \
         WHERE authorization_code = $1 AND status = 'approved' AND expires_at > $2 FOR UPDATE",
    )
    .bind(asked.text("code"))
    .bind(shared.now())
    .fetch_optional(&mut *tx)
    .await?;
    let invalid = || Refusal::OAuth("invalid_grant", "Invalid authorization code");
    let (client, user, scope) = found.ok_or_else(invalid)?;
    let user = User::by_id(&mut tx, &user.to_string()).await?.ok_or_else(invalid)?;
    if user.is_banned(&shared.instant()) {
        return Err(Refusal::OAuth("access_denied", "User is banned"));
    }
    let grant =
        Grant { method: "oauth_provider/authorization_code", client: Some((client, scope)) };
    let mut said = without_user(&sign_in::open(&mut tx, shared, &user, &grant).await?);
    let sql = "DELETE FROM oauth_authorizations WHERE authorization_code = $1";
    sqlx::query(sql).bind(asked.text("code")).execute(&mut *tx).await?;
    tx.commit().await?;
    let now = (shared.now() + Duration::hours(1)).unix_timestamp();
    said["id_token"] = json!(shared.signer.token(&json!({ "sub": user.id(), "exp": now,
        "iss": shared.issuer.get(), "aud": client })));
    Ok(Said::ok(said))
}

fn without_user(said: &Value) -> Value {
    let kept = ["access_token", "expires_in", "refresh_token", "token_type"];
    kept.iter().map(|name| ((*name).to_owned(), said[*name].clone())).collect()
}

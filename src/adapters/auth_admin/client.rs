//! The client: the list of users, and what is done to one of them.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;

use super::error::AuthAdminError;
use super::users::{AuthUser, UserPage};
use crate::adapters::http::{
    Answer, Call, HttpClient, HttpError, HttpOptions, Repeat, RetryPolicy, base_url,
};
use crate::model::{SecretText, UserId, WebUrl};

/// How long a lockdown bans: a hundred years.
///
/// Auth parses it as a Go duration, which ends at 292 years (supabase/auth `internal/api/admin.go`,
/// read 2026-11).
pub(crate) const BAN: Duration = Duration::from_hours(876_000);

/// The admin API of one project's Auth server, as its service role.
#[derive(Debug, Clone)]
pub(crate) struct AuthAdmin {
    http: HttpClient,
    base: Url,
    key: SecretText,
}

impl AuthAdmin {
    /// Returns the admin API of the Auth server at an address; nothing is contacted.
    pub(crate) fn new(
        address: &WebUrl,
        key: SecretText,
        retry: RetryPolicy,
    ) -> Result<Self, HttpError> {
        let base = base_url(address.trimmed())?;
        let attempt_timeout = Duration::from_secs(10);
        let options = HttpOptions { attempt_timeout, retry, ..HttpOptions::default() };
        Ok(Self { http: HttpClient::new(options)?, base, key })
    }

    /// Returns a page of the list of users, the newest first; pages are counted from 1.
    pub(crate) async fn page(
        &self,
        number: u64,
        size: u64,
        deadline: Instant,
    ) -> Result<UserPage, AuthAdminError> {
        let doing = "list the users of Supabase Auth";
        let mut url = self.base.clone();
        url.set_path(&format!("{}admin/users", url.path()));
        let (page, per_page) = (number.to_string(), size.to_string());
        url.query_pairs_mut().append_pair("page", &page).append_pair("per_page", &per_page);
        let answer = self.send(doing, Call::get("auth_admin_users", url), deadline).await?;
        if answer.status != StatusCode::OK {
            return Err(AuthAdminError::refused(doing, &answer));
        }
        UserPage::of(&answer).ok_or(AuthAdminError::Shape { doing })
    }

    /// Returns what Auth says of a user; nothing when it has no such user.
    pub(crate) async fn find(
        &self,
        user: UserId,
        deadline: Instant,
    ) -> Result<Option<AuthUser>, AuthAdminError> {
        let doing = "look a user up in Supabase Auth";
        self.ask(doing, Method::GET, user, None, deadline).await
    }

    /// Bans a user from now on for `length`, or lifts the ban; returns the user after that.
    pub(crate) async fn ban(
        &self,
        user: UserId,
        length: Option<Duration>,
        deadline: Instant,
    ) -> Result<Option<AuthUser>, AuthAdminError> {
        let doing = if length.is_some() {
            "ban a user in Supabase Auth"
        } else {
            "lift a user's ban in Supabase Auth"
        };
        let length =
            length.map_or_else(|| "none".to_owned(), |length| format!("{}s", length.as_secs()));
        let body = serde_json::json!({ "ban_duration": length });
        self.ask(doing, Method::PUT, user, Some(body), deadline).await
    }

    /// Takes `app_metadata.tenant_id` from a user; returns the user after that.
    pub(crate) async fn take_claim(
        &self,
        user: UserId,
        deadline: Instant,
    ) -> Result<Option<AuthUser>, AuthAdminError> {
        let doing = "take app_metadata.tenant_id from the user in Supabase Auth";
        // What is null is removed, everything else stays (supabase/auth
        // `internal/models/user.go`, read 2026-11).
        let body = serde_json::json!({ "app_metadata": { "tenant_id": null } });
        self.ask(doing, Method::PUT, user, Some(body), deadline).await
    }

    async fn ask(
        &self,
        doing: &'static str,
        method: Method,
        user: UserId,
        body: Option<serde_json::Value>,
        deadline: Instant,
    ) -> Result<Option<AuthUser>, AuthAdminError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}admin/users/{user}", url.path()));
        // Reading, setting a ban and taking a claim away have the same effect the second time.
        let call = Call { method, body, repeat: Repeat::Safe, ..Call::get("auth_admin_user", url) };
        let answer = self.send(doing, call, deadline).await?;
        match answer.status {
            StatusCode::OK => {
                let found = AuthUser::of(&answer).filter(|found| found.id == user);
                found.map(Some).ok_or(AuthAdminError::Shape { doing })
            }
            StatusCode::NOT_FOUND if AuthAdminError::supabase_code(&answer) == "user_not_found" => {
                Ok(None)
            }
            _ => Err(AuthAdminError::refused(doing, &answer)),
        }
    }

    async fn send(
        &self,
        doing: &'static str,
        call: Call,
        deadline: Instant,
    ) -> Result<Answer, AuthAdminError> {
        let failed = |source| AuthAdminError::NoAnswer { doing, source };
        let call = call.bearer(&self.key).map_err(failed)?;
        let call = call.secret_header("apikey", &self.key).map_err(failed)?;
        self.http.send(&call, deadline).await.map_err(failed)
    }
}

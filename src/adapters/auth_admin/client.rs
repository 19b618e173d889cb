//! The client: two operations of `/admin/users/{id}`.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::error::AuthAdminError;
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

/// Whether Auth has a user, and bans them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Auth has no such user.
    Unknown,
    /// Not banned.
    Free,
    /// Banned until then; an instant in the past means that the ban has ended.
    BannedUntil(OffsetDateTime),
}

impl Standing {
    pub(crate) fn until(self) -> Option<OffsetDateTime> {
        match self {
            Self::BannedUntil(until) => Some(until),
            Self::Unknown | Self::Free => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct User {
    banned_until: Option<String>,
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

    pub(crate) async fn standing(
        &self,
        user: UserId,
        deadline: Instant,
    ) -> Result<Standing, AuthAdminError> {
        let doing = "look a user up in Supabase Auth";
        self.ask(doing, Method::GET, user, None, deadline).await
    }

    /// Bans a user from now on for `length`, or lifts the ban; returns the standing after that.
    pub(crate) async fn ban(
        &self,
        user: UserId,
        length: Option<Duration>,
        deadline: Instant,
    ) -> Result<Standing, AuthAdminError> {
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

    async fn ask(
        &self,
        doing: &'static str,
        method: Method,
        user: UserId,
        body: Option<serde_json::Value>,
        deadline: Instant,
    ) -> Result<Standing, AuthAdminError> {
        let failed = |source| AuthAdminError::NoAnswer { doing, source };
        let mut url = self.base.clone();
        url.set_path(&format!("{}admin/users/{user}", url.path()));
        // Reading, and setting a ban, have the same effect the second time.
        let call = Call { method, body, repeat: Repeat::Safe, ..Call::get("auth_admin_user", url) };
        let call = call.bearer(&self.key).map_err(failed)?;
        let call = call.secret_header("apikey", &self.key).map_err(failed)?;
        let answer = self.http.send(&call, deadline).await.map_err(failed)?;
        match answer.status {
            StatusCode::OK => read(&answer).ok_or(AuthAdminError::Shape { doing }),
            StatusCode::NOT_FOUND if AuthAdminError::supabase_code(&answer) == "user_not_found" => {
                Ok(Standing::Unknown)
            }
            _ => Err(AuthAdminError::refused(doing, &answer)),
        }
    }
}

/// Reads a user's standing; nothing when the answer is of another shape.
fn read(answer: &Answer) -> Option<Standing> {
    let user: User = answer.json().ok()?;
    match user.banned_until {
        None => Some(Standing::Free),
        Some(text) => OffsetDateTime::parse(&text, &Rfc3339).ok().map(Standing::BannedUntil),
    }
}

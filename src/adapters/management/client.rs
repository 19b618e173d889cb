//! The client: address, access token, and how an answer becomes a value or a refusal.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::error::ManagementError;
use crate::adapters::http::{
    Answer, Budget, Call, HttpClient, HttpError, HttpOptions, Repeat, RetryPolicy, base_url,
};
use crate::model::SecretText;

/// Supabase allows 120 requests a minute for each user, project or organization, and endpoint (docs
/// `_partials/api_rate_limits.mdx`, read 2026-11). One command stays below it.
const CALLS_A_MINUTE: usize = 100;

/// The Management API, as the user of one access token.
#[derive(Debug, Clone)]
pub struct Management {
    http: HttpClient,
    base: Url,
    token: SecretText,
}

/// One call before it has an address.
pub(super) struct Ask<'a> {
    /// The kind of call, for the budget.
    pub(super) kind: &'static str,
    /// What it is for, as it reads after "failed to".
    pub(super) doing: &'static str,
    pub(super) method: Method,
    /// The path's segments below `v1`, each escaped when the address is made.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<serde_json::Value>,
    pub(super) repeat: Repeat,
}

impl<'a> Ask<'a> {
    pub(super) fn get(kind: &'static str, doing: &'static str, path: &'a [&'a str]) -> Self {
        let (method, repeat) = (Method::GET, Repeat::Safe);
        Self { kind, doing, method, path, query: &[], body: None, repeat }
    }
}

impl Management {
    /// Returns the API at an address; nothing is contacted.
    pub fn new(address: &str, token: SecretText, retry: RetryPolicy) -> Result<Self, HttpError> {
        let base = base_url(address)?;
        let budget = Some(Arc::new(Budget::new(CALLS_A_MINUTE, Duration::from_mins(1))));
        let http = HttpClient::new(HttpOptions { retry, budget, ..HttpOptions::default() })?;
        Ok(Self { http, base, token })
    }

    pub fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Makes a call and reads its answer; an empty one reads as `null`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        deadline: Instant,
    ) -> Result<T, ManagementError> {
        let doing = ask.doing;
        let answer = self.answer(ask, deadline).await?;
        // The place alone: serde's text repeats values.
        answer.json().map_err(|error| ManagementError::Shape {
            doing,
            problem: format!("line {}, column {}", error.line(), error.column()),
        })
    }

    /// Makes a call whose answer's body does not matter.
    pub(super) async fn tell(
        &self,
        ask: Ask<'_>,
        deadline: Instant,
    ) -> Result<(), ManagementError> {
        self.answer(ask, deadline).await.map(drop)
    }

    async fn answer(&self, ask: Ask<'_>, deadline: Instant) -> Result<Answer, ManagementError> {
        let doing = ask.doing;
        let no_answer = |source| ManagementError::NoAnswer { doing, source };
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let call = Call {
            kind: ask.kind,
            method: ask.method,
            url,
            repeat: ask.repeat,
            headers: reqwest::header::HeaderMap::new(),
            body: ask.body,
        };
        let call = call.bearer(&self.token).map_err(no_answer)?;
        let answer = self.http.send(&call, deadline).await.map_err(no_answer)?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(ManagementError::refused(doing, &answer))
        }
    }
}

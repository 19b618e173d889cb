//! One question to an endpoint: small, quick, never led elsewhere.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;

use super::error::JwksError;
use super::keys::SET_SIZE_LIMIT;
use crate::adapters::http::{Call, HttpClient, HttpError, HttpOptions, RetryPolicy};
use crate::model::WebUrl;

/// How long the endpoint may take; a set of keys is a kilobyte.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// One question, asked once: the copy on disk and the next command are the second try.
const ONCE: RetryPolicy = RetryPolicy {
    first_delay: Duration::from_millis(200),
    longest_delay: Duration::from_secs(1),
    repetitions: 0,
    longest_asked_wait: Duration::from_secs(2),
};

/// Returns what the endpoint says, unread.
///
/// # Errors
/// When no answer comes, or it is not 200.
pub(super) async fn fetch(url: &WebUrl, deadline: Instant) -> Result<Vec<u8>, JwksError> {
    let client = HttpClient::new(HttpOptions {
        attempt_timeout: ATTEMPT_TIMEOUT,
        retry: ONCE,
        uses_environment_proxy: false,
        budget: None,
        body_limit: SET_SIZE_LIMIT,
    })
    .map_err(told)?;
    let answer =
        client.send(&Call::get("jwks", url.as_url().clone()), deadline).await.map_err(told)?;
    match answer.status {
        StatusCode::OK => Ok(answer.body),
        status if status.is_redirection() => Err(JwksError::Fetch(format!(
            "it answers {}: a redirect is not followed",
            status.as_u16()
        ))),
        status => Err(JwksError::Fetch(format!("it answers {}", status.as_u16()))),
    }
}

fn told(error: HttpError) -> JwksError {
    match error {
        HttpError::TooLarge { limit, .. } => JwksError::TooLarge { limit },
        HttpError::TimedOut { .. } => {
            JwksError::Fetch(format!("it does not answer within {} s", ATTEMPT_TIMEOUT.as_secs()))
        }
        HttpError::Unreachable { cause, .. } => {
            JwksError::Fetch(format!("nobody answers: {cause}"))
        }
        HttpError::Broken { cause, .. } => {
            JwksError::Fetch(format!("the answer breaks off: {cause}"))
        }
        HttpError::Address { .. } | HttpError::Start(_) => JwksError::Fetch(error.to_string()),
    }
}

//! One request to an endpoint: bounded in size and time, and no redirect is followed.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;

use super::error::JwksError;
use super::keys::SET_SIZE_LIMIT;
use crate::adapters::http::{Call, HttpClient, HttpError, HttpOptions, RetryPolicy};
use crate::model::WebUrl;

/// A set of keys is a kilobyte.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sent once: the copy on disk and the next command take the place of a second try.
const ONCE: RetryPolicy = RetryPolicy {
    first_delay: Duration::from_millis(200),
    longest_delay: Duration::from_secs(1),
    repetitions: 0,
    longest_asked_wait: Duration::from_secs(2),
};

/// Returns the body of the endpoint's answer.
///
/// # Errors
/// When there is no answer, or its status is not 200.
pub(super) async fn fetch(url: &WebUrl, deadline: Instant) -> Result<Vec<u8>, JwksError> {
    let client = HttpClient::new(HttpOptions {
        attempt_timeout: ATTEMPT_TIMEOUT,
        retry: ONCE,
        uses_environment_proxy: false,
        budget: None,
        body_limit: SET_SIZE_LIMIT,
    })
    .map_err(fetch_error)?;
    let answer = client
        .send(&Call::get("jwks", url.as_url().clone()), deadline)
        .await
        .map_err(fetch_error)?;
    match answer.status {
        StatusCode::OK => Ok(answer.body),
        status if status.is_redirection() => Err(JwksError::Fetch(format!(
            "it answers {}: a redirect is not followed",
            status.as_u16()
        ))),
        status => Err(JwksError::Fetch(format!("it answers {}", status.as_u16()))),
    }
}

fn fetch_error(error: HttpError) -> JwksError {
    match error {
        HttpError::TooLarge { limit, .. } => JwksError::TooLarge { limit },
        HttpError::TimedOut { .. } => {
            JwksError::Fetch(format!("it does not answer within {} s", ATTEMPT_TIMEOUT.as_secs()))
        }
        HttpError::Unreachable { cause, .. } => {
            JwksError::Fetch(format!("it cannot be reached: {cause}"))
        }
        HttpError::Broken { cause, .. } => {
            JwksError::Fetch(format!("the answer breaks off: {cause}"))
        }
        HttpError::Address { .. } | HttpError::Start(_) => JwksError::Fetch(error.to_string()),
    }
}

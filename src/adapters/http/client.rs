//! The client: every limit is set, no redirect is followed, and the environment's proxy is used
//! only when the caller asks for it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::budget::Budget;
use super::error::HttpError;
use super::retry::Repetitions;
use super::retry::{Repeat, RetryPolicy};
use crate::model::{SecretText, WebUrl, WebUrlError, escape_controls, redact, shorten};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most that is read of one answer, in bytes, unless the caller knows less to be enough.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct HttpOptions {
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// What is tried again.
    pub retry: RetryPolicy,
    /// Whether the proxy that the environment names is used.
    pub uses_environment_proxy: bool,
    /// How often one kind of call may be made.
    pub budget: Option<Arc<Budget>>,
    /// The most that is read of one answer, in bytes.
    pub body_limit: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            uses_environment_proxy: false,
            budget: None,
            body_limit: BODY_LIMIT,
        }
    }
}

/// A request, and how it may be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What kind of call this is, for the budget.
    pub kind: &'static str,
    pub method: Method,
    pub url: Url,
    /// Whether it may be made twice.
    pub repeat: Repeat,
    /// Headers beside the usual ones; values that are secret are marked so.
    pub headers: HeaderMap,
    /// The body, sent as JSON.
    pub body: Option<serde_json::Value>,
}

impl Call {
    /// Returns a call that reads.
    pub(crate) fn get(kind: &'static str, url: Url) -> Self {
        Self {
            kind,
            method: Method::GET,
            url,
            repeat: Repeat::Safe,
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// Returns the call with an access token.
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub(crate) fn bearer(self, token: &SecretText) -> Result<Self, HttpError> {
        self.secret_header("authorization", &SecretText::new(format!("Bearer {}", token.expose())))
    }

    /// Returns the call with a header whose value is never shown.
    ///
    /// # Errors
    /// When the value cannot stand in a header.
    pub(crate) fn secret_header(
        mut self,
        name: &'static str,
        value: &SecretText,
    ) -> Result<Self, HttpError> {
        let Ok(mut value) = HeaderValue::from_str(value.expose()) else {
            let address = target(&self.url);
            let problem = "its access token holds characters that no header can carry".to_owned();
            return Err(HttpError::Address { address, problem });
        };
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body read as JSON; an empty one reads as `null`.
    ///
    /// # Errors
    /// When it is not of that shape; where and why, without the body itself.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let body =
            if self.body.iter().all(u8::is_ascii_whitespace) { b"null" } else { &*self.body };
        serde_json::from_slice(body)
    }

    /// Returns the beginning of the body as text that is safe to show and to store.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        shorten(&redact(&escape_controls(text.trim())), 500)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    client: Client,
    options: HttpOptions,
}

impl HttpClient {
    /// Makes a client; nothing is contacted.
    ///
    /// # Errors
    /// When the system's certificate store cannot be used at all.
    pub(crate) fn new(options: HttpOptions) -> Result<Self, HttpError> {
        // With no store of its own, as in a slim container, the system offers none to verify with.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .filter_map(|root| reqwest::Certificate::from_der(root).ok());
        let builder = Client::builder()
            .user_agent(concat!("tenantctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(options.attempt_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tls_certs_merge(roots);
        let builder = if options.uses_environment_proxy { builder } else { builder.no_proxy() };
        let client = builder.build().map_err(|error| HttpError::Start(chain(&error)))?;
        Ok(Self { client, options })
    }

    /// Makes a call, again where that is safe, and returns the last answer whatever its status.
    ///
    /// # Errors
    /// When no answer came until the deadline.
    pub(crate) async fn send(&self, call: &Call, deadline: Instant) -> Result<Answer, HttpError> {
        let mut repetitions = Repetitions::new(self.options.retry, call.repeat);
        loop {
            if let Some(budget) = &self.options.budget
                && !budget.spend(call.kind, deadline).await
            {
                return Err(HttpError::Unreachable {
                    target: target(&call.url),
                    cause: "so many calls were made that the next may only follow after the time \
                            that is given"
                        .to_owned(),
                });
            }
            let began = Instant::now();
            let attempt = tokio::time::timeout_at(deadline, self.attempt(call)).await;
            let is_late = attempt.is_err();
            let outcome = attempt
                .unwrap_or_else(|_late| Err(HttpError::TimedOut { target: target(&call.url) }));
            trace(call, &outcome, began.elapsed());
            if is_late {
                return outcome;
            }
            let wait = match &outcome {
                Ok(answer) => {
                    repetitions.after_answer(answer.status, &answer.headers, wall_clock())
                }
                Err(error) => repetitions.after_error(error),
            };
            match wait {
                Some(wait) if Instant::now() + wait < deadline => tokio::time::sleep(wait).await,
                _ => return outcome,
            }
        }
    }

    async fn attempt(&self, call: &Call) -> Result<Answer, HttpError> {
        let failed = |error: &reqwest::Error| failure(&call.url, error);
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            let limit = self.options.body_limit;
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge { target: target(&call.url), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

/// Reports an attempt, without headers, query and bodies.
fn trace(call: &Call, outcome: &Result<Answer, HttpError>, elapsed: Duration) {
    let what = match outcome {
        Ok(answer) => format!("{}, {} bytes", answer.status.as_u16(), answer.body.len()),
        Err(error) => error.problem(),
    };
    let ms = elapsed.as_secs_f64() * 1000.0;
    tracing::debug!("{} {}: {what} in {ms:.1} ms", call.method, target(&call.url));
}

/// Reads the address of an API; a path is kept, and ends in `/`.
///
/// # Errors
/// When it is no address that may be asked, or carries a query.
pub(crate) fn base_url(text: &str) -> Result<Url, HttpError> {
    let refused = |problem: String| {
        let address = match Url::parse(text.trim()) {
            Ok(url) => target(&url),
            Err(_) => shorten(&redact(&escape_controls(text)), 100),
        };
        HttpError::Address { address, problem }
    };
    let url: WebUrl = text.parse().map_err(|error: WebUrlError| refused(error.to_string()))?;
    let mut url = url.into_url();
    if url.query().is_some() {
        return Err(refused("it holds a query".to_owned()));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Returns an address without login and query.
fn target(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // A URL that can carry no login has none to remove.
    let _ = (shown.set_username(""), shown.set_password(None));
    escape_controls(shown.as_str())
}

fn failure(url: &Url, error: &reqwest::Error) -> HttpError {
    let target = target(url);
    // A connection that never came about carried nothing, whatever it failed on.
    if error.is_connect() {
        return HttpError::Unreachable { target, cause: chain(error) };
    }
    if error.is_timeout() {
        return HttpError::TimedOut { target };
    }
    if error.is_builder() {
        return HttpError::Start(chain(error));
    }
    HttpError::Broken { target, cause: chain(error) }
}

/// Returns the last cause: reqwest's own texts repeat the address, query included.
fn chain(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = if last.is::<reqwest::Error>() {
        "the connection failed".to_owned()
    } else {
        last.to_string()
    };
    shorten(&redact(&escape_controls(&text)), 300)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a Retry-After that is a date is meant by this clock"
)]
fn wall_clock() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for good in ["https://api.supabase.com", "http://127.0.0.1:4000", "http://[::1]:1/v1/"] {
            assert!(base_url(good).unwrap().path().ends_with('/'), "{good}");
        }
        for bad in [
            "http://api.supabase.com",
            "http://127.0.0.1.example.com",
            "ftp://localhost",
            "api.supabase.com",
            "https://op:hunter2@api.supabase.com",
            "https://api.supabase.com?token=hunter2",
        ] {
            let error = base_url(bad).unwrap_err();
            assert_eq!(crate::model::Classified::kind(&error), crate::model::ErrorKind::Usage);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_nothing_was_done() {
        let retry = RetryPolicy {
            first_delay: Duration::from_millis(1),
            longest_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        };
        let client = HttpClient::new(HttpOptions { retry, ..HttpOptions::default() }).unwrap();
        let call = Call::get("test", base_url("http://127.0.0.1:9").unwrap());
        let error = client.send(&call, Instant::now() + Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error, HttpError::Unreachable { .. }), "{error}");
        assert!(!error.may_have_acted());
    }
}

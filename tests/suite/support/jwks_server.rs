//! An endpoint that publishes keys: counts who asks, and can be told to misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::listener::Listener;

/// What the endpoint does when asked.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with this text.
    Says(String),
    /// Answers with this text after this many milliseconds.
    SaysLate(String, u64),
    /// Answers with this status and a set of keys all the same.
    Status(u16, String),
    /// Sends the asker to this address.
    Redirects(String),
    /// Sends this many megabytes.
    Floods(usize),
    /// Takes the question and never answers.
    Stalls,
}

/// An endpoint on this machine; gone when dropped.
pub(crate) struct JwksServer {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    manner: Mutex<Manner>,
    requests: AtomicUsize,
}

impl JwksServer {
    /// Starts an endpoint that publishes this text.
    pub(crate) fn saying(text: impl Into<String>) -> Self {
        let manner = Mutex::new(Manner::Says(text.into()));
        let shared = Arc::new(Shared { manner, requests: AtomicUsize::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { listener: Listener::serve(router), shared }
    }

    /// The endpoint's address.
    pub(crate) fn url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.auth_url())
    }

    /// The address of the Auth server it belongs to.
    pub(crate) fn auth_url(&self) -> String {
        format!("{}/auth/v1", self.listener.url())
    }

    /// Changes its manners.
    pub(crate) fn now(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

async fn answer(State(shared): State<Arc<Shared>>) -> Response {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let manner = shared.manner.lock().unwrap().clone();
    match manner {
        Manner::Says(text) => text.into_response(),
        Manner::SaysLate(text, ms) => {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            text.into_response()
        }
        Manner::Status(status, text) => {
            (StatusCode::from_u16(status).unwrap(), text).into_response()
        }
        Manner::Redirects(to) => {
            (StatusCode::FOUND, [(axum::http::header::LOCATION, to)]).into_response()
        }
        Manner::Floods(megabytes) => {
            let text = format!("{{\"keys\":[]{}", " ".repeat(megabytes * 1024 * 1024));
            Body::from(text).into_response()
        }
        Manner::Stalls => std::future::pending().await,
    }
}

//! An endpoint that publishes keys: counts who asks, and can be told to misbehave.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

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
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The endpoint's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/auth/v1/.well-known/jwks.json", self.address)
    }

    /// The address of the Auth server it belongs to.
    pub(crate) fn auth_url(&self) -> String {
        format!("http://{}/auth/v1", self.address)
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

impl Drop for JwksServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A thread that is gone already needs no stopping.
            let _ = stop.send(());
        }
        drop(self.thread.take().map(JoinHandle::join));
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

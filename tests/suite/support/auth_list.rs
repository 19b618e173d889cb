//! An Auth server whose list of users a test writes itself, page by page, as wrong as it likes. Bans are
//! kept, so that what a command did to whom can be asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::listener::Listener;

/// A page as it is sent: headers and body.
pub(crate) type Page = (Vec<(&'static str, String)>, Value);

/// Returns a page for its number, its size, and how many pages were asked for before.
type Writer = Box<dyn Fn(usize, usize, usize) -> Page + Send + Sync>;

/// An Auth server on this machine; gone when dropped.
pub(crate) struct AuthList {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    writer: Writer,
    before_ban: Box<dyn Fn(&str) + Send + Sync>,
    state: Mutex<Knows>,
}

#[derive(Default)]
struct Knows {
    pages: usize,
    /// What every user's ban was set to, in order.
    bans: BTreeMap<String, Vec<String>>,
}

impl AuthList {
    /// Starts a server with this list.
    pub(crate) fn written_by(
        writer: impl Fn(usize, usize, usize) -> Page + Send + Sync + 'static,
    ) -> Self {
        Self::watched(writer, |_| ())
    }

    /// Starts a server with this list; `before_ban` sees each user before their ban is taken.
    pub(crate) fn watched(
        writer: impl Fn(usize, usize, usize) -> Page + Send + Sync + 'static,
        before_ban: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let (writer, before_ban) = (Box::new(writer), Box::new(before_ban));
        let shared = Arc::new(Shared { writer, before_ban, state: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { listener: Listener::serve(router), shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/auth/v1", self.listener.url())
    }

    /// Returns who is banned for a hundred years.
    pub(crate) fn banned(&self) -> Vec<String> {
        let state = self.shared.state.lock().unwrap();
        let is_banned = |bans: &&Vec<String>| bans.last().is_some_and(|last| last != "none");
        let banned = state.bans.iter().filter(|(_, bans)| is_banned(bans));
        banned.map(|(user, _)| user.clone()).collect()
    }

    /// Returns how many pages were asked for.
    pub(crate) fn pages(&self) -> usize {
        self.shared.state.lock().unwrap().pages
    }

    /// Returns how often a ban was set or lifted.
    pub(crate) fn changes(&self) -> usize {
        self.shared.state.lock().unwrap().bans.values().map(Vec::len).sum()
    }
}

/// Returns a user as a page shows them; `tenant` is their claim.
pub(crate) fn entry(id: Uuid, tenant: Option<&str>) -> Value {
    let metadata = tenant.map_or(json!({}), |tenant| json!({ "tenant_id": tenant }));
    json!({ "id": id, "aud": "authenticated", "app_metadata": metadata, "identities": null })
}

/// Returns the page of a list that is told as it is.
pub(crate) fn honest(users: &[Value], page: usize, size: usize) -> Page {
    let shown: Vec<_> = users.iter().skip((page - 1) * size).take(size).collect();
    let headers = vec![("x-total-count", users.len().to_string())];
    (headers, json!({ "users": shown, "aud": "authenticated" }))
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    if uri.path() == "/auth/v1/admin/users" {
        let asked = {
            let mut state = shared.state.lock().unwrap();
            state.pages += 1;
            state.pages - 1
        };
        let query: BTreeMap<_, _> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
        let number = |name: &str| query[name].parse::<usize>().unwrap();
        let (page, size) = (number("page"), number("per_page"));
        let writing = Arc::clone(&shared);
        let written = move || (writing.writer)(page, size, asked);
        let (headers, mut body) = tokio::task::spawn_blocking(written).await.unwrap();
        let state = shared.state.lock().unwrap();
        for user in body["users"].as_array_mut().into_iter().flatten() {
            let bans = user["id"].as_str().and_then(|id| state.bans.get(id));
            if bans.and_then(|bans| bans.last()).is_some_and(|last| last != "none") {
                user["banned_until"] = json!("2126-11-02T13:10:23.560630591Z");
            }
        }
        let mut response = body.to_string().into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    let user = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    if method == Method::PUT {
        let (watching, whom) = (Arc::clone(&shared), user.clone());
        tokio::task::spawn_blocking(move || (watching.before_ban)(&whom)).await.unwrap();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let length = asked["ban_duration"].as_str().unwrap().to_owned();
        shared.state.lock().unwrap().bans.entry(user.clone()).or_default().push(length);
    }
    let state = shared.state.lock().unwrap();
    let Some(bans) = state.bans.get(&user) else {
        let said = json!({ "code": 404, "error_code": "user_not_found", "msg": "User not found" });
        return (StatusCode::NOT_FOUND, said.to_string()).into_response();
    };
    let mut said = entry(user.parse().unwrap(), None);
    if bans.last().is_some_and(|last| last != "none") {
        said["banned_until"] = json!("2126-11-02T13:10:23.560630591Z");
    }
    said.to_string().into_response()
}

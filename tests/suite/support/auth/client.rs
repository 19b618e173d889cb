//! Whoever signs in at the stand-in, as a web page would: over HTTP, with a password and tokens.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::server::{AuthServer, KEY};

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// What a client keeps of a session.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A user with a password.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
}

const PASSWORD: &str = "correct horse 1";

impl AuthServer {
    /// Asks for a path with a bearer's token, which may be the admin API's key.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Answer {
        static WORLD: OnceLock<(Runtime, reqwest::Client)> = OnceLock::new();
        let (runtime, client) = WORLD.get_or_init(|| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(1).enable_all().build().unwrap();
            let client = reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap();
            (runtime, client)
        });
        let method: Method = method.parse().unwrap();
        let mut request = client.request(method, format!("{}{path}", self.url()));
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if path == "/oauth/token" {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form(body));
        } else if !body.is_null() {
            request = request.json(body);
        }
        runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let headers = response.headers().iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let text = response.text().await.unwrap();
            let body = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            Answer { status, headers, body: if body == "" { Value::Null } else { body } }
        })
    }

    /// Asks as the admin does.
    pub(crate) fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(method, path, Some(KEY), body)
    }

    /// Signs somebody up who has nothing to do with any tenant.
    pub(crate) fn somebody(&self) -> Person {
        let email = format!("u{}@example.com", &Uuid::new_v4().simple().to_string()[..8]);
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.ask("POST", "/signup", None, &body).expects(200);
        let id = answer.body["user"]["id"].as_str().unwrap().to_owned();
        Person { id, email }
    }

    /// Signs somebody up and puts them into a tenant.
    pub(crate) fn member(&self, tenant: &str) -> Person {
        let person = self.somebody();
        self.put_into(&person, Some(tenant));
        person
    }

    /// Changes the tenant that Auth names for a user.
    pub(crate) fn put_into(&self, person: &Person, tenant: Option<&str>) {
        self.change(person, &json!({ "app_metadata": { "tenant_id": tenant } }));
    }

    /// Changes a user by the admin API.
    pub(crate) fn change(&self, person: &Person, body: &Value) {
        let path = format!("/admin/users/{}", person.id);
        let _answer = self.admin("PUT", &path, body).expects(200);
    }

    /// Signs in with the password.
    pub(crate) fn sign_in(&self, person: &Person) -> Answer {
        let body = json!({ "email": person.email, "password": PASSWORD });
        self.ask("POST", "/token?grant_type=password", None, &body)
    }

    /// Follows the link that a user was sent last, where nobody has to send it.
    pub(crate) fn follow_mail(&self, person: &Person) -> Answer {
        let token = "SELECT recovery_token FROM auth.users WHERE id = ";
        let token: String = self.session().value(&format!("{token}'{}'", person.id));
        let path = format!("/verify?token={token}&type=magiclink");
        self.ask("GET", &path, None, &Value::Null)
    }

    /// Refreshes a session.
    pub(crate) fn refresh(&self, tokens: &Tokens) -> Answer {
        let body = json!({ "refresh_token": tokens.refresh });
        self.ask("POST", "/token?grant_type=refresh_token", None, &body)
    }
}

impl Answer {
    /// Expects this status.
    #[track_caller]
    pub(crate) fn expects(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Expects a session.
    #[track_caller]
    pub(crate) fn tokens(self) -> Tokens {
        let answer = self.expects(200);
        let text = |field: &str| answer.body[field].as_str().unwrap().to_owned();
        Tokens { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// Returns the status and Auth's word for a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        let word = self.body["error_code"].as_str().or(self.body["error"].as_str());
        (self.status, word.unwrap_or_default())
    }

    /// Returns a header, nothing when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

impl Tokens {
    /// Returns the access token's claims.
    pub(crate) fn claims(&self) -> Value {
        payload(&self.access)
    }
}

/// Returns what a verifier is announced by.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

fn form(body: &Value) -> String {
    let fields = body.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name, value.as_str().unwrap()));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Reads a token's claims.
pub(super) fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

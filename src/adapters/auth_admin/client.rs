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

/// Every answer that the real server was recorded to give, through the client.
#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::{Read, Write as _};
    use std::net::TcpListener;

    use serde_json::Value;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::*;
    use crate::adapters::auth_admin::users::Claim;
    use crate::model::{Classified, ErrorKind, TenantId};

    const RECORDED: &str = include_str!("../../../tests/data/auth/exchanges.json");
    const KEY: &str = "sb_secret_canary_of_the_recorded_answers";
    const ACME: &str = "31551632-d14e-4761-adeb-d36784f21afe";

    fn recorded() -> Vec<Value> {
        serde_json::from_str(RECORDED).unwrap()
    }

    fn of_name(name: &str) -> Value {
        recorded().into_iter().find(|exchange| exchange["name"] == name).unwrap()
    }

    /// Serves a recorded answer as it was, once, and returns the client of whoever is there.
    fn replay(response: &Value) -> AuthAdmin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let body = response["body"].to_string();
        let mut answer = format!("HTTP/1.1 {} Recorded\r\n", response["status"]);
        for (name, value) in response["headers"].as_object().into_iter().flatten() {
            write!(answer, "{name}: {}\r\n", value.as_str().unwrap()).unwrap();
        }
        write!(answer, "connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(answer.as_bytes()));
        });
        AuthAdmin::new(&address, SecretText::new(KEY.to_owned()), RetryPolicy::default()).unwrap()
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(work)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    /// The user that an exchange is about.
    fn user_of(exchange: &Value) -> UserId {
        let id = exchange["request"]["path"].as_str().unwrap().rsplit('/').next().unwrap();
        id.parse().map_or_else(|_| UserId(uuid::Uuid::nil()), UserId)
    }

    #[test]
    fn users_are_read_as_they_were_recorded() {
        let claim = Claim::Tenant(TenantId(ACME.parse().unwrap()));
        let until = OffsetDateTime::parse("2126-11-02T13:10:23.560630591Z", &Rfc3339).unwrap();
        for (name, banned_until) in
            [("admin reads a user", None), ("admin bans", Some(until)), ("admin lifts a ban", None)]
        {
            let exchange = of_name(name);
            let (client, id) = (replay(&exchange["response"]), user_of(&exchange));
            let read = wait(async {
                let length = exchange["request"]["body"]["ban_duration"].as_str();
                match length {
                    None => client.find(id, soon()).await,
                    Some("none") => client.ban(id, None, soon()).await,
                    Some(_) => client.ban(id, Some(BAN), soon()).await,
                }
            });
            assert_eq!(read.unwrap(), Some(AuthUser { id, claim, banned_until }), "{name}");
        }
        let nobody = of_name("admin reads nobody");
        let client = replay(&nobody["response"]);
        assert_eq!(wait(client.find(user_of(&nobody), soon())).unwrap(), None);
    }

    #[test]
    fn a_page_is_read_as_it_was_recorded() {
        let client = replay(&of_name("admin lists users")["response"]);
        let page = wait(client.page(1, 2, soon())).unwrap();
        assert_eq!((page.total, page.has_next, page.unreadable), (Some(1175), Some(true), 0));
        let other = "85325264-9686-48df-adfd-4adcde0bd87d".parse().unwrap();
        let claims: Vec<_> = page.users.iter().map(|user| user.claim).collect();
        assert_eq!(claims, [Claim::None, Claim::Tenant(TenantId(other))]);
    }

    /// Whatever it is about, as the answer to a look at a user.
    #[test]
    fn every_recorded_refusal_has_a_kind_and_a_word_and_no_secret() {
        let is_refusal = |exchange: &Value| exchange["response"]["status"].as_u64() >= Some(400);
        let refusals: Vec<_> = recorded().into_iter().filter(is_refusal).collect();
        assert!(refusals.len() > 10, "{}", refusals.len());
        for exchange in refusals {
            let (name, response) = (&exchange["name"], &exchange["response"]);
            let read = wait(replay(response).find(user_of(&exchange), soon()));
            if response["body"]["error_code"] == "user_not_found" {
                assert_eq!(read.unwrap(), None, "{name}");
                continue;
            }
            let error = read.unwrap_err();
            let kind = match response["status"].as_u64() {
                Some(401 | 403) => ErrorKind::Denied,
                _ => ErrorKind::Refused,
            };
            assert_eq!(error.kind(), kind, "{name}");
            let word = response["body"]["error_code"].as_str().unwrap();
            let told = format!(
                "look a user up in Supabase Auth: it answers {}, `{word}`",
                response["status"]
            );
            assert_eq!(error.to_string(), told, "{name}");
            assert_eq!(error.hint().is_some(), kind == ErrorKind::Denied, "{name}");
            assert!(!format!("{error:?} {:?}", error.hint()).contains(KEY), "{name}");
        }
    }

    /// Whoever answers in Auth's place may repeat what it was asked with.
    #[test]
    fn an_answer_that_repeats_the_key_does_not_show_it() {
        for body in [
            serde_json::json!({ "message": format!("Bearer {KEY} is no key") }),
            serde_json::json!({ "error_code": KEY }),
            serde_json::json!(format!("<h1>{KEY}</h1>")),
        ] {
            let response = serde_json::json!({ "status": 403, "headers": {}, "body": body });
            let error = wait(replay(&response).page(1, 2, soon())).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
        }
    }
}

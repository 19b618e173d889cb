//! The stand-in of Supabase Auth against what the real server was recorded to answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::claims::create;
use crate::support::{Answer, AuthServer, Operator, Person, Tokens, challenge};

const EVENTS: &str = include_str!("../data/auth/hook-events.json");

const EXCHANGES: &str = include_str!("../data/auth/exchanges.json");

/// What the stand-in does not serve, and one answer that is not right any more: a switch from one
/// tenant to another was refused.
const LEFT_OUT: [&str; 3] = ["discovery", "refresh after the tenant was changed", "settings"];

/// The recorded exchanges that no answer was compared with yet, by name.
struct Recorded(BTreeMap<String, Value>);

impl Recorded {
    fn read() -> Self {
        let found: Vec<Value> = serde_json::from_str(EXCHANGES).unwrap();
        let name = |exchange: &Value| exchange["name"].as_str().unwrap().to_owned();
        Self(found.into_iter().map(|exchange| (name(&exchange), exchange)).collect())
    }

    /// Compares an answer with the one of this name: the status, the headers, the fields and their
    /// types; and what a refusal says, word by word.
    #[track_caller]
    fn compare(&mut self, name: &str, answer: Answer) -> Answer {
        let recorded = self.0.remove(name).unwrap_or_else(|| panic!("no exchange `{name}`"));
        let recorded = &recorded["response"];
        assert_eq!(json!(answer.status), recorded["status"], "{name}: {answer:?}");
        for (header, value) in recorded["headers"].as_object().unwrap_or(&Map::new()) {
            let (ours, theirs) = (answer.header(header), value.as_str().unwrap());
            let is_same = if header == "content-type" {
                ours == theirs
            } else {
                without_numbers(ours) == without_numbers(&theirs.replace("<token>", ""))
            };
            assert!(is_same, "{name}: {header} is `{ours}`, was `{theirs}`");
        }
        if answer.status >= 400 {
            assert_eq!(answer.body, recorded["body"], "{name}");
        } else {
            let (ours, theirs) = (shape(&answer.body), shape(&recorded["body"]));
            assert_eq!(ours, theirs, "{name}: {answer:?}");
        }
        answer
    }
}

/// What is no number, and no id in which letters count as digits.
fn without_numbers(text: &str) -> String {
    let code = text.split_once("code=").map_or(text, |(before, _)| before);
    code.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What a user's object has or has not, by what the user did before.
const HISTORY: [&str; 6] = [
    "confirmed_at",
    "confirmation_sent_at",
    "factors",
    "invited_at",
    "last_sign_in_at",
    "recovery_sent_at",
];

/// The fields and their types; a list is as its first element is, and metadata hold what they like.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::Object(fields) => {
            let is_user = fields.contains_key("app_metadata");
            let fields = fields.iter().filter(|(name, _)| !is_user || !HISTORY.contains(&&***name));
            let of = |name: &str, value| match name {
                "app_metadata" | "user_metadata" | "identity_data" => json!("object"),
                _ => shape(value),
            };
            fields.map(|(name, value)| (name.clone(), of(name, value))).collect()
        }
    }
}

/// Somebody with a password in a tenant, and what they ask for.
struct Asker<'a> {
    auth: &'a AuthServer,
    person: Person,
    tokens: Tokens,
}

impl<'a> Asker<'a> {
    fn new(auth: &'a AuthServer, tenant: &str) -> Self {
        let person = auth.member(tenant);
        let tokens = auth.sign_in(&person).tokens();
        Self { auth, person, tokens }
    }

    fn asks(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.auth.ask(method, path, Some(&self.tokens.access), body)
    }

    fn link(&self, kind: &str) -> Answer {
        let body = json!({ "type": kind, "email": self.person.email });
        self.auth.admin("POST", "/admin/generate_link", &body)
    }

    fn follows(&self, link: &Answer) -> Answer {
        let body = json!({ "type": link.body["verification_type"],
            "token_hash": link.body["hashed_token"] });
        self.auth.ask("POST", "/verify", None, &body)
    }
}

#[test]
fn the_stand_in_answers_as_the_real_server_did() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let auth = AuthServer::beside(&operator);
    let mut recorded = Recorded::read();
    sessions(&mut recorded, &auth, &acme);
    proofs(&mut recorded, &auth, &acme);
    oauth(&mut recorded, &auth, &acme);
    admin(&mut recorded, &auth, &acme);
    ends(&mut recorded, &auth, &acme);
    let last = Asker::new(&auth, &acme);
    let _ran = operator.run("lockdown acme --reason r").success();
    // The ban would come first; the hook refuses on its own.
    auth.session().run("UPDATE auth.users SET banned_until = NULL");
    recorded.compare("locked tenant: sign in (hook refuses)", auth.sign_in(&last.person));
    let link = last.link("magiclink");
    recorded.compare("locked tenant: magic link (hook refuses)", last.follows(&link));
    let keys = auth.ask("GET", "/.well-known/jwks.json", None, &Value::Null);
    recorded.compare("keys", keys);
    assert_eq!(recorded.0.into_keys().collect::<Vec<_>>(), LEFT_OUT);
    assert_eq!(auth.failures(), Vec::<String>::new());
    auth.assert_true_to_the_document();
}

fn sessions(recorded: &mut Recorded, auth: &AuthServer, acme: &str) {
    let body = json!({ "email": "new@example.com", "password": "correct horse 1" });
    recorded.compare("sign up", auth.ask("POST", "/signup", None, &body));
    let mut one = Asker::new(auth, acme);
    recorded.compare("sign in by password", auth.sign_in(&one.person));
    let events: Value = serde_json::from_str(EVENTS).unwrap();
    let claims = shape(&events[1]["answer"]["claims"]);
    assert_eq!(shape(&one.tokens.claims()), claims, "what the hook made of the claims");
    let answer = recorded.compare("refresh", auth.refresh(&one.tokens));
    one.tokens = answer.tokens();
    recorded.compare("who am I", one.asks("GET", "/user", &Value::Null));
    let body = json!({ "factor_type": "totp", "friendly_name": "phone" });
    let factor = recorded.compare("enrol a TOTP factor", one.asks("POST", "/factors", &body));
    let path = format!("/factors/{}", factor.body["id"].as_str().unwrap());
    let challenge = one.asks("POST", &format!("{path}/challenge"), &json!({}));
    let challenge = recorded.compare("challenge", challenge);
    let body = json!({ "challenge_id": challenge.body["id"],
        "code": factor.body["totp"]["secret"] });
    let verified = one.asks("POST", &format!("{path}/verify"), &body);
    let claims = recorded.compare("verify a TOTP code", verified).tokens().claims();
    assert_eq!(
        (claims["aal"].as_str(), claims["amr"].as_array().unwrap().len()),
        (Some("aal2"), 2)
    );
    let answer = auth.ask("POST", "/signup", None, &json!({}));
    recorded.compare("sign in anonymously", answer);
    let answer = one.asks("POST", "/logout", &Value::Null);
    recorded.compare("sign out", answer);
}

fn proofs(recorded: &mut Recorded, auth: &AuthServer, acme: &str) {
    let one = Asker::new(auth, acme);
    for (kind, made, used) in [
        ("magiclink", "admin makes a magic link", "sign in by magic link"),
        ("recovery", "admin makes a recovery link", "sign in by recovery link"),
    ] {
        let link = recorded.compare(made, one.link(kind));
        recorded.compare(used, one.follows(&link));
        assert_eq!(one.follows(&link).refusal(), (403, "otp_expired"), "once: {kind}");
    }
    let body = json!({ "type": "invite", "email": "invited@example.com" });
    let link = auth.admin("POST", "/admin/generate_link", &body);
    let link = recorded.compare("admin makes an invitation", link);
    recorded.compare("accept an invitation", one.follows(&link));
    let (code, verifier) = pkce(recorded, &one);
    let body = json!({ "auth_code": code, "code_verifier": verifier });
    let exchanged = auth.ask("POST", "/token?grant_type=pkce", None, &body);
    recorded.compare("exchange the PKCE code", exchanged);
}

fn pkce(recorded: &mut Recorded, one: &Asker<'_>) -> (String, String) {
    let body = json!({ "email": one.person.email, "create_user": false,
        "code_challenge": challenge("a-verifier"), "code_challenge_method": "s256" });
    let asked = one.auth.ask("POST", "/otp", None, &body);
    recorded.compare("ask for a one-time password, PKCE", asked);
    let followed = one.auth.follow_mail(&one.person);
    let followed = recorded.compare("follow the link, PKCE", followed);
    let code = followed.header("location").split_once("code=").unwrap().1.to_owned();
    (code, "a-verifier".to_owned())
}

fn oauth(recorded: &mut Recorded, auth: &AuthServer, acme: &str) {
    let one = Asker::new(auth, acme);
    let body = json!({ "client_name": "x", "redirect_uris": ["http://127.0.0.1:3000/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"] });
    let client = auth.ask("POST", "/oauth/clients/register", None, &body);
    let client = recorded.compare("register an OAuth client", client);
    let client = client.body["client_id"].as_str().unwrap().to_owned();
    let code = auth.approved(&one.person.id, &client);
    let body = json!({ "grant_type": "authorization_code", "code": code, "client_id": client });
    let said = auth.ask("POST", "/oauth/token", None, &body);
    let said = recorded.compare("OAuth code exchanged", said);
    let body = json!({ "grant_type": "refresh_token", "client_id": client,
        "refresh_token": said.body["refresh_token"] });
    let refreshed = auth.ask("POST", "/oauth/token", None, &body);
    recorded.compare("OAuth refresh", refreshed);
}

fn admin(recorded: &mut Recorded, auth: &AuthServer, acme: &str) {
    let mut one = Asker::new(auth, acme);
    let path = format!("/admin/users/{}", one.person.id);
    recorded.compare("admin reads a user", auth.admin("GET", &path, &Value::Null));
    let nobody = "/admin/users/37822daf-ad6e-48ac-b04a-7a4d32acc758";
    recorded.compare("admin reads nobody", auth.admin("GET", nobody, &Value::Null));
    let list = auth.admin("GET", "/admin/users?page=1&per_page=2", &Value::Null);
    let total: usize = list.header("x-total-count").parse().unwrap();
    recorded.compare("admin lists users", list);
    let pages = total.div_ceil(2);
    let list = auth.admin("GET", &format!("/admin/users?page={pages}&per_page=2"), &Value::Null);
    assert_eq!(
        list.header("link"),
        format!("</admin/users?page={pages}&per_page=2>; rel=\"last\""),
        "no next one"
    );
    for (name, bearer) in [
        ("admin, key refused", Some("wrong")),
        ("admin, as a user", Some(&*one.tokens.access)),
        ("admin, no key", None),
    ] {
        recorded.compare(name, auth.ask("GET", &path, bearer, &Value::Null));
    }
    let tenant = json!({ "app_metadata": { "tenant_id": null } });
    let _answer = auth.admin("PUT", &path, &tenant).expects(200);
    let name = "refresh after the tenant was taken away";
    one.tokens = recorded.compare(name, auth.refresh(&one.tokens)).tokens();
    let ban = auth.admin("PUT", &path, &json!({ "ban_duration": "876000h" }));
    recorded.compare("admin bans", ban);
    recorded.compare("banned: sign in", auth.sign_in(&one.person));
    recorded.compare("banned: refresh", auth.refresh(&one.tokens));
    recorded.compare("banned: who am I", one.asks("GET", "/user", &Value::Null));
    let free = auth.admin("PUT", &path, &json!({ "ban_duration": "none" }));
    recorded.compare("admin lifts a ban", free);
    recorded.compare("after the ban: refresh", auth.refresh(&one.tokens));
    recorded.compare("admin deletes a user", auth.admin("DELETE", &path, &Value::Null));
}

fn ends(recorded: &mut Recorded, auth: &AuthServer, acme: &str) {
    let one = Asker::new(auth, acme);
    let elsewhere = auth.sign_in(&one.person).tokens();
    let body = json!({ "password": "another horse 2" });
    recorded.compare("change the password", one.asks("PUT", "/user", &body));
    recorded.compare("refresh elsewhere after it", auth.refresh(&elsewhere));
    auth.session().run("DELETE FROM auth.sessions");
    recorded.compare("session deleted: refresh", auth.refresh(&one.tokens));
    recorded.compare("session deleted: who am I", one.asks("GET", "/user", &Value::Null));
}

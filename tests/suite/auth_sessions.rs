//! Sessions through the stand-in of Supabase Auth: signed in and refreshed over HTTP, judged by
//! `claims_state`, `session check` and `token verify`.

use serde_json::{Value, json};

use crate::support::claims::{is_valid, quoted};
use crate::support::worlds::World;
use crate::support::{Answer, AuthServer, PATIENCE, Person, Tokens, challenge, server, until};

/// Nothing ends the session in Auth, and still it is dead.
#[test]
fn where_auth_is_elsewhere_a_session_from_before_is_dead_by_its_beginning() {
    let mut world = World::elsewhere();
    for (tenant, act, word) in [
        (world.acme.clone(), "session revoke --tenant acme", "tenant_revoked"),
        (world.globex.clone(), "session revoke --user USER", "user_revoked"),
    ] {
        let person = world.auth.member(&tenant);
        world.auth.set_clock(-30);
        let tokens = world.auth.sign_in(&person).tokens();
        world.run(&act.replace("USER", &person.id));
        world.later();
        assert_eq!(world.refreshed(&tokens), word, "{act}");
        let fresh = world.auth.sign_in(&person).tokens();
        assert_eq!(world.judged(&fresh), "unrecorded", "{act}");
        assert_eq!(world.refreshed(&fresh), "unrecorded", "{act}");
    }
}

/// Banning and lifting the ban leaves every refresh token as it was.
#[test]
fn where_auth_is_elsewhere_an_unlock_brings_no_session_back() {
    let mut world = World::elsewhere();
    let (person, tokens) = world.member_of_acme();
    world.operator.issue(&person.id, "acme");
    world.run("lockdown acme");
    assert_eq!(world.auth.sign_in(&person).refusal(), (400, "user_banned"));
    world.run("unlock acme");
    world.later();
    assert_eq!(world.refreshed(&tokens), "tenant_revoked");
    let fresh = world.auth.sign_in(&person).tokens();
    assert_eq!(world.judged(&fresh), "unrecorded");
}

/// Auth signs in until it is told of the ban, which is later than the lockdown's commit.
#[test]
fn without_the_hook_what_began_while_the_tenant_was_locked_is_dead_after_the_unlock() {
    let mut world = World::without_hook();
    let (person, before) = world.member_of_acme();
    let ran = world.operator.run_reading(&before.access, "token verify - --tenant acme");
    assert!(ran.success().stdout().starts_with("valid\n"));
    world.run("lockdown acme");
    world.auth.session().run("UPDATE auth.users SET banned_until = NULL");
    let meanwhile = world.auth.sign_in(&person).tokens();
    world.run("unlock acme");
    world.later();
    assert_eq!(world.auth.refresh(&before).refusal(), (400, "refresh_token_not_found"));
    for tokens in [&before, &meanwhile] {
        assert_eq!(world.judged(tokens), "tenant_revoked");
        let _ran = world.operator.run_reading(&tokens.access, "token verify -").fails_with(11);
    }
    let fresh = world.auth.sign_in(&person).tokens();
    assert_eq!(world.judged(&fresh), "unrecorded");
}

/// Signed out, another password, deleted, banned: ended here by the commit that ended it there.
#[test]
fn what_auth_ends_is_ended_here() {
    let mut world = World::with_hook();
    let (one, first) = world.member_of_acme();
    let second = world.auth.sign_in(&one).tokens();
    let ran = world.operator.run_reading(&first.access, "token verify - --tenant acme");
    assert!(ran.success().stdout().starts_with("valid\n"));
    let body = json!({ "password": "another horse 2" });
    let _answer = world.auth.ask("PUT", "/user", Some(&first.access), &body).expects(200);
    assert_eq!((world.judged(&first), world.judged(&second)), ends("valid", "signed_out"));
    let _answer = world.auth.ask("POST", "/logout", Some(&first.access), &Value::Null).expects(204);
    assert_eq!(world.judged(&first), "signed_out");

    let (two, tokens) = world.member_of_acme();
    let path = format!("/admin/users/{}", two.id);
    let _answer = world.auth.admin("DELETE", &path, &Value::Null).expects(200);
    assert_eq!(world.judged(&tokens), "signed_out");
    let check = format!("session check {}", tokens.claims()["jti"].as_str().unwrap());
    assert!(world.operator.run(&check).fails_with(11).stdout().contains("signed_out"));
    let _ran = world.operator.run_reading(&tokens.access, "token verify -").fails_with(11);

    let (three, tokens) = world.member_of_acme();
    world.auth.change(&three, &json!({ "ban_duration": "24h" }));
    assert_eq!(world.judged(&tokens), "user_revoked");
    // A ban that ends brings nothing back.
    world.auth.change(&three, &json!({ "ban_duration": "none" }));
    assert_eq!(world.judged(&tokens), "user_revoked");
    assert_eq!(world.auth.refresh(&tokens).refusal(), (403, "unknown"));
    world.later();
    let fresh = world.auth.sign_in(&three).tokens();
    assert_eq!(world.judged(&fresh), "valid");
}

fn ends(first: &str, second: &str) -> (String, String) {
    (first.to_owned(), second.to_owned())
}

/// What was recorded here once puts nobody back.
#[test]
fn who_is_taken_out_of_the_tenant_in_auth_is_out() {
    let mut world = World::with_hook();
    let (person, before) = world.member_of_acme();
    world.auth.put_into(&person, None);
    assert_eq!(world.judged(&before), "user_revoked");
    let refreshed = world.auth.refresh(&before).tokens();
    let again = world.auth.sign_in(&person).tokens();
    for tokens in [&refreshed, &again] {
        assert!(tokens.claims()["app_metadata"].get("tenant_id").is_none());
        assert_eq!(world.judged(tokens), "no_tenant");
        assert!(!is_valid(&mut world.plane, &tokens.claims()));
    }
}

#[test]
fn who_switches_keeps_both_parts_and_a_lockdown_of_the_first_leaves_the_second() {
    let mut world = World::with_hook();
    let (person, in_acme) = world.member_of_acme();
    world.auth.put_into(&person, Some(&world.globex));
    let in_globex = world.auth.refresh(&in_acme).tokens();
    assert_eq!(in_globex.claims()["app_metadata"]["tenant_id"], json!(world.globex));
    assert_eq!((world.judged(&in_acme), world.judged(&in_globex)), ends("valid", "valid"));
    world.run("lockdown acme");
    assert_eq!(world.judged(&in_acme), "tenant_locked");
    assert_eq!(world.auth.days_banned(&person.id), 0);
    let in_globex = world.auth.refresh(&in_globex).tokens();
    assert_eq!(world.judged(&in_globex), "valid");
    let fresh = world.auth.sign_in(&person).tokens();
    assert_eq!(world.judged(&fresh), "valid");
    // Back again: only as of a sign-in after the lockdown.
    world.run("unlock acme");
    world.auth.put_into(&person, Some(&world.acme));
    assert_eq!(world.auth.refresh(&in_globex).refusal(), (403, "unknown"));
    world.later();
    let fresh = world.auth.sign_in(&person).tokens();
    assert_eq!(world.judged(&fresh), "valid");
}

/// Whoever just signed up, was invited or is anonymous can go on.
#[test]
fn nobodys_users_pass_the_check_of_the_data_api() {
    let mut world = World::with_hook();
    let invited = json!({ "type": "invite", "email": "invited@example.com" });
    let link = world.auth.admin("POST", "/admin/generate_link", &invited);
    let body = json!({ "type": "invite", "token_hash": link.body["hashed_token"] });
    let person = world.auth.somebody();
    let people = [
        world.auth.sign_in(&person).tokens(),
        world.auth.ask("POST", "/verify", None, &body).tokens(),
        world.auth.ask("POST", "/signup", None, &json!({})).tokens(),
    ];
    let mut api = server().login("authenticator", None, world.operator.plane_name()).unwrap();
    let mut passes = |tokens: &Tokens| {
        api.run("SET ROLE authenticated");
        let claims = quoted(&tokens.claims());
        api.run(&format!("SELECT set_config('request.jwt.claims', '{claims}', false)"));
        api.attempt("SELECT control_plane.check_request()").is_ok()
    };
    for tokens in &people {
        assert_eq!(world.judged(tokens), "no_tenant");
        assert!(!is_valid(&mut world.plane, &tokens.claims()));
        assert!(passes(tokens));
    }
    let out = world.auth.ask("POST", "/logout", Some(&people[2].access), &Value::Null);
    let _answer = out.expects(204);
    assert_eq!(world.judged(&people[2]), "signed_out");
    assert!(!passes(&people[2]));
    world.run(&format!("session revoke --user {}", person.id));
    assert_eq!(world.judged(&people[0]), "user_revoked");
    assert!(!passes(&people[0]));
}

/// Everything that was proven and not used yet.
struct Proofs {
    email: String,
    link: Answer,
    pkce: String,
    oauth: String,
}

impl Proofs {
    fn of(auth: &AuthServer, person: &Person, client: &str) -> Self {
        let body = json!({ "email": person.email, "create_user": false,
            "code_challenge": challenge("verifier"), "code_challenge_method": "s256" });
        let _answer = auth.ask("POST", "/otp", None, &body).expects(200);
        let followed = auth.follow_mail(person).expects(303);
        let (_, pkce) = followed.header("location").split_once("code=").unwrap();
        let body = json!({ "type": "magiclink", "email": person.email });
        let link = auth.admin("POST", "/admin/generate_link", &body).expects(200);
        let oauth = auth.approved(&person.id, client);
        Self { email: person.email.clone(), link, pkce: pkce.to_owned(), oauth }
    }

    fn used(&self, auth: &AuthServer) -> Vec<(u16, String)> {
        let link = json!({ "type": "magiclink", "token_hash": self.link.body["hashed_token"] });
        let typed = json!({ "type": "magiclink", "email": self.email,
            "token": self.link.body["email_otp"] });
        let pkce = json!({ "auth_code": self.pkce, "code_verifier": "verifier" });
        let oauth = json!({ "grant_type": "authorization_code", "code": self.oauth });
        let asked = [
            ("/verify", typed),
            ("/verify", link),
            ("/token?grant_type=pkce", pkce),
            ("/oauth/token", oauth),
        ];
        let answers = asked.iter().map(|(path, body)| auth.ask("POST", path, None, body));
        answers.map(|answer| (answer.status, answer.refusal().1.to_owned())).collect()
    }
}

/// Registers an OAuth client.
fn client(auth: &AuthServer) -> String {
    let body = json!({ "client_name": "x", "redirect_uris": ["http://127.0.0.1:3000/cb"],
        "grant_types": ["authorization_code", "refresh_token"] });
    let client = auth.ask("POST", "/oauth/clients/register", None, &body).expects(201);
    client.body["client_id"].as_str().unwrap().to_owned()
}

/// A code that is exchanged while the revocation is still at work: it went first, and what it had
/// opened until then goes with the sessions.
#[test]
fn a_revocation_takes_the_codes_before_the_sessions() {
    let world = World::without_hook();
    let (person, _tokens) = world.member_of_acme();
    let proofs = Proofs::of(&world.auth, &person, &client(&world.auth));
    let mut holder = world.auth.session();
    holder.run("BEGIN; SELECT FROM auth.sessions FOR UPDATE");
    let line = "--yes session revoke --tenant acme --reason r";
    let revoke = world.operator.start(line, &[]);
    let mut watcher = world.operator.plane();
    until("the revocation to wait for a session", PATIENCE, || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock' AND query LIKE '%DELETE FROM auth.sessions%'";
        if watcher.value::<i64>(waits) > 0 { Ok(()) } else { Err("nobody waits".to_owned()) }
    });
    let used = proofs.used(&world.auth);
    holder.run("ROLLBACK");
    let _ran = revoke.wait().success();
    assert!(used.iter().all(|(status, _)| *status >= 400), "{used:?}");
}

#[test]
fn what_was_proven_before_a_mark_opens_nothing_after_it() {
    let world = World::with_hook();
    let client = client(&world.auth);
    let proofs = |tenant: &str| {
        let person = world.auth.member(tenant);
        let proofs = Proofs::of(&world.auth, &person, &client);
        (person, proofs)
    };
    let (locked, revoked) = (proofs(&world.acme), proofs(&world.globex));
    let (untouched, user) = (proofs(&world.globex), proofs(&world.globex));
    world.run(&format!("session revoke --user {}", user.0.id));
    assert_eq!(
        untouched.1.used(&world.auth).iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        [200, 403, 200, 200],
        "somebody else's; the link is used up by its code"
    );
    world.run("lockdown acme");
    world.run("unlock acme");
    world.run("session revoke --tenant globex");
    world.later();
    let gone = [
        (403, "otp_expired"),
        (403, "otp_expired"),
        (404, "flow_state_not_found"),
        (400, "invalid_grant"),
    ];
    let gone = gone.map(|(status, word)| (status, word.to_owned()));
    for (person, proofs) in [&locked, &revoked, &user] {
        assert_eq!(proofs.used(&world.auth), gone, "{}", person.email);
        let _tokens = world.auth.sign_in(person).tokens();
    }
}

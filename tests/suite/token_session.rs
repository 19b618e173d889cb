//! The session as part of a token's verdict, as the control plane judges it.

use std::time::Duration;

use serde_json::{Value, json};
use tenantctl::testkit::control_plane::ControlPlane;
use tenantctl::testkit::model::{Clock, ErrorKind, JwksSource, SystemClock};
use tenantctl::testkit::postgres::Endpoint;
use tenantctl::testkit::token::{
    CheckName, CheckResult, Depth, ExamineRequest, Jwks, Plane, Token, examine,
};

use crate::support::judge::strict;
use crate::support::mint::{Signer, claims};
use crate::support::server;
use crate::support::tokens::{ANN, check, explain, now, offline, online};

#[test]
fn the_session_is_part_of_the_verdict_where_there_is_a_control_plane() {
    let signer = Signer::es256("k1");
    let operator = online(&signer);
    let line = format!("session issue --user {ANN} --tenant acme -o json");
    let issued = operator.run(&line).success().json();
    let jti = issued["session"]["jti"].as_str().unwrap();
    let token_of = |session: &Value, tenant: &str| {
        let mut claims = claims(now() - 1);
        claims["app_metadata"]["tenant_id"] = json!(operator.tenant(tenant).id);
        claims["session_id"] = session.clone();
        claims
    };
    let mut good = token_of(&json!(jti), "acme");
    let verify = |claims: &Value, flags: &str| {
        let line = format!("token verify - --jwks keys.json {flags}");
        operator.run_reading(&signer.token(claims), &line)
    };
    let ran = verify(&good, "--tenant acme").success();
    assert!(ran.stdout().contains("is valid in `acme`"), "{ran}");
    let _ran = verify(&good, "--tenant bolt").fails_with(11);
    let _ran = verify(&good, "--tenant nobody").fails_with(4);
    // Under `jti`, else under `session_id`; where neither was recorded, nobody knows it.
    good["jti"] = json!("somebody-elses");
    let _ran = verify(&good, "").success();
    good["session_id"] = json!("whatever");
    let ran = verify(&good, "").fails_with(11);
    assert!(ran.stdout().contains("never recorded"), "{ran}");
    let _ran = verify(&good, "--no-session").success();
    good["jti"] = json!(jti);
    let _ran = verify(&good, "").success();
    let ran = verify(&token_of(&json!(jti), "bolt"), "").fails_with(11);
    assert!(ran.stdout().contains("another tenant"), "{ran}");
    let mut of_bob = token_of(&json!(jti), "acme");
    of_bob["sub"] = json!("bbbbbbbb-0000-4000-8000-000000000002");
    let ran = verify(&of_bob, "").fails_with(11);
    assert!(ran.stdout().contains("another user"), "{ran}");
    let ran = verify(&token_of(&Value::Null, "acme"), "").fails_with(11);
    assert!(ran.stdout().contains("session"), "{ran}");
    // Revoked, the same token is refused; signature and claims are what they were.
    let revoke = format!("session revoke --jti {jti} --reason 'laptop stolen' --yes");
    let _ran = operator.run(&revoke).success();
    let ran = verify(&good, "").fails_with(11);
    assert!(ran.stdout().contains("is revoked"), "{ran}");
    assert!(ran.stdout().contains("laptop stolen"), "{ran}");
    let _ran = verify(&good, "--no-session").success();
    operator.assert_sound();
}

/// Recorded or not, the setting on or off, and every mark: what the control plane says is the
/// verdict, and `explain` says why.
#[test]
fn the_control_planes_judgement_is_the_verdict_for_sessions_recorded_or_not() {
    let signer = Signer::es256("k1");
    let operator = online(&signer);
    let mut plane = operator.plane();
    let start = now();
    let told = |user: &str, tenant: &str, session: Option<&str>, issued: i64| {
        let mut claims = claims(issued);
        claims["exp"] = json!(now() + 3000);
        claims["sub"] = json!(user);
        claims["app_metadata"]["tenant_id"] = json!(operator.tenant(tenant).id);
        if let Some(session) = session {
            claims["session_id"] = json!(session);
        }
        let token = signer.token(&claims);
        let line = "--jwks keys.json --leeway 1m";
        let (ran, report) = explain(&operator, &token, line);
        let verified = operator.run_reading(&token, &format!("token verify - {line}"));
        assert_eq!(ran.code(), verified.code(), "{ran}\n{verified}");
        let of = |name| check(&report, name)["detail"].as_str().unwrap().to_owned();
        (ran.code(), of("session"), of("tenant"))
    };
    let expect = |what: &str, found: (i32, String, String), code: i32, words: &[&str]| {
        let (ended, session, tenant) = found;
        assert_eq!(ended, code, "{what}: {session}; {tenant}");
        for word in words {
            let is_said = session.contains(word) || tenant.contains(word);
            assert!(is_said, "{what}: no `{word}` in: {session}; {tenant}");
        }
    };
    let (bob, eve) =
        ("bbbbbbbb-0000-4000-8000-000000000002", "eeeeeeee-0000-4000-8000-000000000005");
    let issue = |user: &str| {
        let line = format!("session issue --user {user} --tenant acme -o json");
        let issued = operator.run(&line).success().json();
        issued["session"]["jti"].as_str().unwrap().to_owned()
    };
    let (session, of_bob) = (issue(ANN), issue(bob));

    let off = ["never recorded (unrecorded)", "`unrecorded_passes` is off"];
    expect("recorded", told(ANN, "acme", Some(&session), start), 0, &["is valid in `acme`"]);
    expect("unrecorded, off", told(ANN, "acme", None, start), 11, &off);
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    expect("recorded", told(ANN, "acme", Some(&session), start), 0, &["is `acme`"]);
    let on = ["nothing speaks against it, and `unrecorded_passes` is on"];
    expect("unrecorded, on", told(ANN, "acme", None, start), 0, &on);
    // The tenant is where Auth says that the user works, unless an operator removed them there.
    expect("nobody knows Eve", told(eve, "bolt", None, start), 0, &["is `bolt`"]);
    expect("Ann elsewhere", told(ANN, "bolt", None, start), 0, &["is `bolt`"]);
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, removed_at) \
         SELECT '{eve}', tenant_id, now() FROM control_plane.tenant_metadata WHERE slug = 'bolt'"
    ));
    let removed =
        ["(not_a_member)", "an operator removed the user from `bolt`", "removed the user there"];
    expect("Eve, removed", told(eve, "bolt", None, start), 11, &removed);

    let run =
        |line: &str| operator.run(&format!("--yes {line} --reason 'laptop stolen'")).success();
    let _ran = run(&format!("session revoke --user {bob}"));
    let words = ["is user_revoked", "laptop stolen"];
    expect("user, recorded", told(bob, "acme", Some(&of_bob), start), 11, &words);
    let words = ["(user_revoked)", "everything of this user is revoked up to 20", "began at 20"];
    expect("user, unrecorded", told(bob, "acme", None, start), 11, &words);
    expect("user, since", told(bob, "acme", None, now() + 30), 0, &on);
    expect("another user", told(ANN, "acme", None, start), 0, &on);

    let _ran = run("session revoke --tenant acme");
    let words = ["is tenant_revoked", "laptop stolen"];
    expect("tenant, recorded", told(ANN, "acme", Some(&session), start), 11, &words);
    let words = ["(tenant_revoked)", "everything in `acme` is revoked up to 20"];
    expect("tenant, unrecorded", told(ANN, "acme", None, start), 11, &words);
    expect("tenant, since", told(ANN, "acme", None, now() + 30), 0, &on);

    let session = issue(ANN);
    let _ran = run("lockdown acme");
    let words = ["is tenant_locked", "laptop stolen"];
    expect("locked, recorded", told(ANN, "acme", Some(&session), start), 11, &words);
    let words = ["(tenant_locked)", "`acme` is locked: laptop stolen"];
    expect("locked, unrecorded", told(ANN, "acme", None, now() + 30), 11, &words);
}

/// The clock is an argument; the control plane, its question and its clock are the real ones.
#[test]
fn clocks_more_than_a_minute_apart_leave_no_verdict() {
    let signer = Signer::es256("k1");
    let operator = online(&signer);
    let issued = operator.run(&format!("session issue --user {ANN} --tenant acme -o json"));
    let session = issued.success().json()["session"]["jti"].clone();
    let mut of_ann = claims(now());
    of_ann["session_id"] = session;
    of_ann["app_metadata"]["tenant_id"] = json!(operator.tenant("acme").id);
    let set = operator.home().join("keys.json");
    let address = server().url("operator", operator.plane_name());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let judged = |claims: &Value, by: i64, depth: Depth| {
        let clock = Skewed(by);
        let source = JwksSource::File(set.clone());
        let jwks = Jwks::new(source, operator.home(), Duration::from_secs(5), &clock);
        let token = Token::read(signer.token(claims).as_bytes());
        let request = ExamineRequest { token: &token, rules: strict(), secret: None, depth };
        let open = async || {
            let endpoint = Endpoint::parse(&address).unwrap();
            Plane::Open(Box::new(ControlPlane::open(endpoint).await.unwrap()))
        };
        runtime.block_on(examine(&request, Some(&jwks), open, &clock))
    };
    for depth in [Depth::Verdict, Depth::EveryCheck] {
        for by in [-50, 0, 50] {
            let found = judged(&of_ann, by, depth);
            assert_eq!(found.ending(), None, "{by}: {:?}", found.verdict);
        }
        for (by, words) in [(-90, "s behind the control"), (90, "s ahead of the control")] {
            let found = judged(&of_ann, by, depth);
            assert_eq!(found.ending(), Some(ErrorKind::Unavailable), "{by}: {:?}", found.verdict);
            let obstacle = found.verdict.obstacle().unwrap();
            assert!(obstacle.message.contains(words), "{}", obstacle.message);
            assert!(obstacle.hint.as_ref().unwrap().contains("NTP"));
            let expiry = found.verdict.check(CheckName::Expiry).unwrap();
            assert_eq!(expiry.result, CheckResult::Skipped);
            assert!(expiry.detail.contains(words), "{}", expiry.detail);
            // What no clock decides is refused whatever the time.
            let mut of_bob = of_ann.clone();
            of_bob["sub"] = json!("bbbbbbbb-0000-4000-8000-000000000002");
            let found = judged(&of_bob, by, depth);
            assert_eq!(found.ending(), Some(ErrorKind::Rejected), "{by}: {:?}", found.verdict);
            // What ran out by one clock alone is open, not refused.
            let mut old = of_ann.clone();
            old["exp"] = json!(now() - 5);
            old["iat"] = json!(now() - 600);
            let found = judged(&old, by, depth);
            assert_eq!(found.ending(), Some(ErrorKind::Unavailable), "{by}: {:?}", found.verdict);
        }
    }
}

/// A machine's clock that is wrong by so many seconds.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> time::OffsetDateTime {
        SystemClock.now() + time::Duration::seconds(self.0)
    }
}

#[test]
fn a_control_plane_that_cannot_be_asked_leaves_no_verdict() {
    let signer = Signer::es256("k1");
    let operator =
        offline(&signer).with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://nobody:x@127.0.0.1:9/x");
    let token = signer.token(&claims(now()));
    let ran = operator.run_reading(&token, "token verify - --jwks keys.json").fails_with(7);
    assert_eq!(ran.stdout(), "", "{ran}");
    let (ran, report) = explain(&operator, &token, "--jwks keys.json");
    let _ran = ran.fails_with(7);
    assert_eq!(report["outcome"], "undecided");
    assert_eq!(check(&report, "session")["outcome"], "skipped");
    assert_eq!(check(&report, "signature")["outcome"], "pass");
    // Without keys to verify with it says what would help.
    let ran = operator.run_reading(&token, "token explain - --no-session").fails_with(2);
    assert!(ran.stdout().starts_with("undecided"), "{ran}");
    assert!(ran.stderr().contains("hint: pass --jwks"), "{ran}");
    // What is refused anyway is refused.
    let old = signer.token(&claims(now() - 7200));
    let _ran = operator.run_reading(&old, "token verify - --jwks keys.json").fails_with(11);
    let _ran =
        operator.run_reading(&token, "token verify - --jwks keys.json --no-session").success();
}

//! `token verify`, `explain` and `decode`, as an operator runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use tenantctl::adapters::control_plane::ControlPlane;
use tenantctl::adapters::postgres::Endpoint;
use tenantctl::model::{Clock, ErrorKind, JwksSource, SystemClock};
use tenantctl::services::token::{
    CheckName, CheckResult, Depth, ExamineRequest, Jwks, Plane, Rules, Token, examine,
};

use crate::support::mint::{ISSUER, Signer, claims, published};
use crate::support::{JwksServer, Operator, Ran, Terminal, plain, server};

const ANN: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// The present, by the clock that tokens are judged with where no control plane is asked.
fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "tokens of this moment")]
    let now = time::OffsetDateTime::now_utc();
    now.unix_timestamp()
}

/// An operator without a control plane, with a file of published keys.
fn offline(signer: &Signer) -> Operator {
    let operator = Operator::unconfigured();
    fs::write(operator.home().join("keys.json"), published(&[signer.jwk()])).unwrap();
    operator
}

fn explain(operator: &Operator, token: &str, flags: &str) -> (Ran, Value) {
    let ran = operator.run_reading(token, &format!("token explain - -o json {flags}"));
    let report = ran.json();
    (ran, report)
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn a_good_token_is_valid_offline_from_an_argument_a_file_and_stdin() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now()));
    let flags = format!("--jwks keys.json --issuer {ISSUER} --audience authenticated");
    fs::write(operator.home().join("token.txt"), format!("{token}\n")).unwrap();
    for ran in [
        operator.run(&format!("token verify {token} {flags}")),
        operator.run(&format!("token verify --file token.txt {flags}")),
        operator.run_reading(&token, &format!("token verify - {flags}")),
        operator.run_reading(&format!("{token}\r\n"), &format!("token verify - {flags}")),
    ] {
        let ran = ran.success();
        assert!(ran.stdout().starts_with("valid\n"), "{ran}");
        assert!(ran.stdout().contains(ANN), "{ran}");
        assert_eq!(ran.stderr(), "", "{ran}");
    }
    let report = operator.run(&format!("token verify {token} {flags} -o json")).success().json();
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["verdict"], "valid");
    assert_eq!(report["reasons"], json!([]));
    assert_eq!(report["claims"]["subject"], ANN);
    assert_eq!(report["claims"]["session"], "dddddddd-0000-4000-8000-000000000004");
    assert_eq!(report["jwks"]["source"], "keys.json");
}

#[test]
fn explain_shows_every_check_in_order_and_why_a_token_is_refused() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let mut old = claims(now() - 7200);
    old["iss"] = json!("https://evil.example");
    let tenant = "cccccccc-0000-4000-8000-00000000000f";
    let flags =
        format!("--jwks keys.json --issuer {ISSUER} --audience authenticated --tenant {tenant}");
    let (ran, report) = explain(&operator, &signer.token(&old), &flags);
    let _ran = ran.fails_with(11);
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["verdict"], "rejected");
    let results: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (check["name"].as_str().unwrap(), check["result"].as_str().unwrap()))
        .collect();
    assert_eq!(
        results,
        [
            ("format", "pass"),
            ("algorithm", "pass"),
            ("key", "pass"),
            ("signature", "pass"),
            ("issuer", "fail"),
            ("audience", "pass"),
            ("expiry", "fail"),
            ("not_before", "skipped"),
            ("issued_at", "pass"),
            ("tenant", "fail"),
            ("session", "skipped"),
        ]
    );
    let detail = |name| check(&report, name)["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail("issuer"), format!("found `https://evil.example`; expected `{ISSUER}`"));
    assert!(detail("expiry").contains("expired 1h ago"), "{}", detail("expiry"));
    assert_eq!(detail("session"), "no control plane is configured");
    let ran = operator.run_reading(&signer.token(&old), &format!("token explain - {flags}"));
    let ran = ran.fails_with(11);
    assert!(ran.stdout().starts_with("rejected\n✓ format "), "{ran}");
    assert!(ran.stdout().contains("✗ issuer      FAIL     found `https://evil.example`"), "{ran}");
    // The verdict names every reason as well, and nothing else.
    let ran = operator.run_reading(&signer.token(&old), &format!("token verify - -o json {flags}"));
    let reasons = ran.fails_with(11).json()["reasons"].take();
    let names: Vec<_> = reasons.as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["issuer", "expiry", "tenant"]);
}

#[test]
fn at_a_terminal_it_says_what_it_waits_for_and_fits_the_window() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now() - 7200));
    let line = format!("token explain - --jwks keys.json --issuer {ISSUER}");
    let mut command = operator.command(&line);
    command.env("TERM", "xterm").env_remove("COLUMNS");
    let mut terminal = Terminal::start(command, 80);
    terminal.sees("paste the token, then press Enter and Ctrl-D");
    terminal.types(&token);
    terminal.presses("\u{4}");
    let (code, seen) = terminal.end();
    assert_eq!(code, 11, "{seen}");
    let seen = plain(&seen);
    let shown = &seen[seen.find("rejected").unwrap()..];
    let widest = shown.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!(widest <= 80, "{widest}:\n{shown}");
    let column = " ".repeat(23);
    assert!(shown.lines().any(|line| line.starts_with(&column)), "{shown}");
}

#[test]
fn the_signature_is_judged_alone_also_over_what_are_no_claims() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.sign(&signer.header().to_string(), b"It's a dangerous business, Frodo");
    let (ran, report) = explain(&operator, &token, "--jwks keys.json");
    let _ran = ran.fails_with(11);
    assert_eq!(check(&report, "signature")["result"], "pass");
    assert_eq!(check(&report, "format")["result"], "fail");
    assert_eq!(check(&report, "expiry")["result"], "skipped");
}

#[test]
fn decode_shows_what_a_token_says_and_that_nothing_of_it_is_verified() {
    let operator = Operator::unconfigured();
    let token = Signer::es256("k1").token(&claims(1_800_000_000));
    let ran = operator.run_reading(&token, "token decode -").success();
    assert!(ran.stdout().starts_with("unverified"), "{ran}");
    assert!(ran.stdout().contains("\"session_id\""), "{ran}");
    assert!(ran.stdout().contains("2027-01-15T09:00:00Z"), "{ran}");
    let decoded = operator.run(&format!("token decode {token} -o json")).success().json();
    assert_eq!(decoded["token"]["verified"], false);
    assert_eq!(decoded["token"]["header"]["alg"], "ES256");
    assert_eq!(decoded["token"]["claims"]["sub"], ANN);
    assert_eq!(decoded["token"]["problem"], Value::Null);
    let signature = token.rsplit('.').next().unwrap();
    assert!(!decoded.to_string().contains(signature));
    let ran = operator.run("token decode not.a -o json").fails_with(11);
    assert_eq!(ran.error()["kind"], "rejected");
}

#[test]
fn hs256_needs_a_secret_from_a_private_file_or_the_environment() {
    let text = "your-super-secret-jwt-token-with-at-least-32-characters-long";
    let token = Signer::hs256(text.as_bytes()).token(&claims(now()));
    let published = Signer::rs256("k1");
    let operator = offline(&published);
    let path = operator.home().join("secret");
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let verify = |flags: &str| operator.run_reading(&token, &format!("token verify - {flags}"));
    let ran = verify("--jwks keys.json").fails_with(11);
    assert!(ran.stdout().contains("no secret was given"), "{ran}");
    let _ran = verify("--secret-file secret").success();
    let _ran = verify("--secret-file secret --jwks keys.json").success();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _ran = verify("--secret-file secret").fails_with(2);
    let of_environment = Operator::unconfigured().with("TENANTCTL_JWT_SECRET", text);
    let ran = of_environment.run_reading(&token, "token verify -").success();
    assert!(!ran.stdout().contains(text) && !ran.stderr().contains(text), "{ran}");
    let forged = Signer::hs256(&published.public_bytes()).token(&claims(now()));
    let _ran = operator.run_reading(&forged, "token verify - --jwks keys.json").fails_with(11);
}

#[test]
fn a_token_is_never_repeated_whatever_goes_wrong() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now() - 7200));
    let signature = token.rsplit('.').next().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    for line in [
        format!("token verify {token} --jwks keys.json -vvv"),
        format!("token verify {token} --jwks keys.json -o json"),
        format!("token explain {token} --jwks keys.json -vvv"),
        format!("token verify {token} {token}"),
        format!("token verify {token} --file keys.json"),
        format!("token verify {token} --leeway x -o json"),
        format!("token verify {token} {token} -o json"),
        format!("token verfy {token}"),
        token.clone(),
        format!("token {token}"),
        format!("token verify {token} --jwks nowhere.json"),
        format!("token verify {token}= --jwks keys.json"),
        format!("token decode {token} -vvv"),
    ] {
        let ran = operator.run(&line);
        assert_ne!(ran.code(), 101);
        for secret in [signature, payload, &payload[..20]] {
            assert!(!ran.stdout().contains(secret), "{}", ran.stdout());
            assert!(!ran.stderr().contains(secret), "{}", ran.stderr());
        }
    }
}

#[test]
fn a_wrong_command_line_or_file_is_usage_and_nothing_is_contacted() {
    let signer = Signer::es256("k1");
    let operator = offline(&signer);
    let token = signer.token(&claims(now()));
    fs::write(operator.home().join("empty.json"), "{\"keys\":[]}").unwrap();
    fs::write(operator.home().join("page.json"), "<html></html>").unwrap();
    for (line, words) in [
        ("token verify -", "neither published keys nor a secret"),
        ("token verify - --jwks nowhere.json", "No such file"),
        ("token verify - --jwks empty.json", "it is empty"),
        ("token verify - --jwks page.json", "not JSON"),
        ("token verify - --jwks http://keys.example/jwks.json", "only https"),
        ("token verify - --jwks https://a:b@keys.example/", "login"),
        ("token verify --file nowhere", "No such file"),
        ("token verify", "TOKEN"),
        ("token verify - --jwks keys.json --tenant Acme", "Acme"),
        ("token verify - --jwks keys.json --tenant acme", "find the control plane"),
        ("token verify - --jwks keys.json --leeway=-1s", "--leeway"),
    ] {
        let ran = operator.run_reading(&token, line).fails_with(2);
        assert!(ran.stderr().contains(words), "{ran}");
        assert_eq!(ran.stdout(), "", "{ran}");
    }
}

#[test]
fn the_auth_server_gives_the_issuer_and_the_place_of_the_keys() {
    let signer = Signer::es256("k1");
    let server = JwksServer::saying(published(&[signer.jwk()]));
    let operator = Operator::unconfigured().with("TENANTCTL_AUTH_URL", server.auth_url());
    let mut ours = claims(now());
    ours["iss"] = json!(server.auth_url());
    let _ran = operator.run_reading(&signer.token(&ours), "token verify -").success();
    let theirs = signer.token(&claims(now()));
    let ran = operator.run_reading(&theirs, "token verify -").fails_with(11);
    assert!(ran.stdout().contains("issuer"), "{ran}");
    let _ran =
        operator.run_reading(&theirs, &format!("token verify - --issuer {ISSUER}")).success();
    assert_eq!(server.requests(), 1);
    // The place of the keys may be another than the usual one.
    let other = JwksServer::saying(published(&[signer.jwk()]));
    let operator = operator.with("TENANTCTL_JWKS_URL", other.url());
    let _ran = operator.run_reading(&signer.token(&ours), "token verify -").success();
    assert_eq!((server.requests(), other.requests()), (1, 1));
}

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

/// An operator with a control plane, the tenants `acme` and `bolt`, and a file of published keys.
fn online(signer: &Signer) -> Operator {
    let operator = Operator::new();
    fs::write(operator.home().join("keys.json"), published(&[signer.jwk()])).unwrap();
    for slug in ["acme", "bolt"] {
        let _ran =
            operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    }
    operator
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
    expect("recorded", told(ANN, "acme", Some(&session), start), 0, &["where the user works"]);
    let on = ["nothing speaks against it, and `unrecorded_passes` is on"];
    expect("unrecorded, on", told(ANN, "acme", None, start), 0, &on);
    // The tenant is where the user is known to work, never what the claim says.
    let nowhere = ["where the user works was never recorded"];
    expect("nobody knows Eve", told(eve, "bolt", None, start), 0, &nowhere);
    let elsewhere =
        ["the user works in `acme` and not there", "(unknown)", "does not work in `bolt`"];
    expect("Ann elsewhere", told(ANN, "bolt", None, start), 11, &elsewhere);

    let run =
        |line: &str| operator.run(&format!("--yes {line} --reason 'laptop stolen'")).success();
    let _ran = run(&format!("session revoke --user {bob}"));
    let words = ["is user_revoked", "laptop stolen"];
    expect("user, recorded", told(bob, "acme", Some(&of_bob), start), 11, &words);
    let words = ["(user_revoked)", "everything of this user is revoked up to 20", "issued at 20"];
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
        let request = ExamineRequest { token: &token, rules: Rules::STRICT, secret: None, depth };
        let open = async || {
            let endpoint = Endpoint::parse(&address).unwrap();
            Plane::Open(ControlPlane::open(endpoint).await.unwrap())
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
    assert_eq!(report["verdict"], "undecided");
    assert_eq!(check(&report, "session")["result"], "skipped");
    assert_eq!(check(&report, "signature")["result"], "pass");
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

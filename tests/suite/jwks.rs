//! Published keys and their copy on disk: who is asked how often, and what happens when the endpoint
//! misbehaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::mint::{Signer, claims, published};
use crate::support::{JwksServer, Manner, Operator, Ran};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the age of a copy on disk")]
    let now = time::OffsetDateTime::now_utc();
    i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap()
}

fn token(signer: &Signer) -> String {
    signer.token(&claims(now_ms() / 1000))
}

/// Somebody who verifies with the keys of one endpoint.
struct Verifier {
    operator: Operator,
    server: JwksServer,
}

impl Verifier {
    fn of(keys: &[&Signer]) -> Self {
        let server = JwksServer::saying(text(keys));
        let operator = Operator::unconfigured().with("TENANTCTL_JWKS_URL", server.url());
        Self { operator, server }
    }

    fn publishes(&self, keys: &[&Signer]) {
        self.server.now(Manner::Says(text(keys)));
    }

    fn verify(&self, signer: &Signer) -> Ran {
        self.operator.run_reading(&token(signer), "token verify - -o json")
    }

    /// Returns the exit codes of so many commands at once.
    fn verify_at_once(&self, count: usize, token: impl Fn(usize) -> String) -> Vec<i32> {
        let all: Vec<_> = (0..count)
            .map(|index| {
                let path = self.operator.home().join(format!("token-{index}"));
                fs::write(&path, token(index)).unwrap();
                self.operator.start(&format!("token verify --file token-{index}"), &[])
            })
            .collect();
        all.into_iter().map(|running| running.wait().code()).collect()
    }

    /// Returns the copy on disk.
    fn copy(&self) -> PathBuf {
        let folder = self.operator.home().join("data/jwks");
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.extension().is_some_and(|e| e == "json")).unwrap()
    }

    /// Makes every time in the copy earlier.
    fn age(&self, by_ms: i64) {
        let path = self.copy();
        let mut entry: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for pointer in ["/copy/asked_ms", "/copy/fetched_ms", "/failure/at_ms", "/missed_ms"] {
            if let Some(at) = entry.pointer_mut(pointer)
                && let Some(ms) = at.as_i64()
            {
                *at = json!(ms - by_ms);
            }
        }
        fs::write(path, entry.to_string()).unwrap();
    }
}

fn text(keys: &[&Signer]) -> String {
    published(&keys.iter().map(|key| key.jwk()).collect::<Vec<_>>())
}

#[test]
fn ten_at_once_make_one_request_cold_and_none_warm() {
    let signer = Signer::es256("k1");
    let verifier = Verifier::of(&[&signer]);
    verifier.server.now(Manner::SaysLate(text(&[&signer]), 300));
    assert_eq!(verifier.verify_at_once(10, |_| token(&signer)), [0; 10]);
    assert_eq!(verifier.server.requests(), 1);
    assert_eq!(verifier.verify_at_once(10, |_| token(&signer)), [0; 10]);
    assert_eq!(verifier.server.requests(), 1);
    verifier.age(61 * MINUTE);
    assert_eq!(verifier.verify_at_once(10, |_| token(&signer)), [0; 10]);
    assert_eq!(verifier.server.requests(), 2);
}

#[test]
fn a_storm_of_unknown_names_makes_one_request_in_thirty_seconds() {
    let (signer, thief) = (Signer::es256("k1"), Signer::es256("x"));
    let verifier = Verifier::of(&[&signer]);
    let _ran = verifier.verify(&signer).success();
    let random = |index: usize| {
        thief.with_header(&json!({ "kid": format!("r-{index}") }), &claims(now_ms() / 1000))
    };
    assert_eq!(verifier.verify_at_once(10, random), [11; 10]);
    for index in 10..30 {
        let ran = verifier.operator.run_reading(&random(index), "token verify -");
        let _ran = ran.fails_with(11);
    }
    assert_eq!(verifier.server.requests(), 2);
    // Whoever meets the pause is told of it, and how long it lasts.
    let ran = verifier.operator.run_reading(&random(30), "token verify -").fails_with(11);
    assert!(ran.stderr().contains("hint: the endpoint was asked for an unknown key"), "{ran}");
    let ran = verifier.operator.run_reading(&random(31), "token explain - -o json");
    assert!(ran.fails_with(11).json()["jwks"]["rests_until"].is_string());
    let ran = verifier.operator.run_reading(&token(&signer), "token verify -").success();
    assert_eq!(ran.stderr(), "", "{ran}");
    assert_eq!(verifier.server.requests(), 2);
    // The pause is over: one more.
    verifier.age(31 * SECOND);
    assert_eq!(verifier.verify_at_once(5, random), [11; 5]);
    assert_eq!(verifier.server.requests(), 3);
    // A storm that finds nothing on disk is one request as well.
    let _ran = verifier.operator.run("jwks clear").success();
    assert_eq!(verifier.verify_at_once(10, random), [11; 10]);
    assert_eq!(verifier.server.requests(), 4);
}

#[test]
fn rotation_needs_neither_a_restart_nor_a_flush() {
    let (first, second, third) = (Signer::es256("k1"), Signer::rs256("k2"), Signer::eddsa("k3"));
    let verifier = Verifier::of(&[&first]);
    let requests = || verifier.server.requests();
    let _ran = verifier.verify(&first).success();
    // Standby: published, and nobody signs with it yet.
    verifier.publishes(&[&first, &second]);
    let _ran = verifier.verify(&first).success();
    assert_eq!(requests(), 1);
    // In use; the one before is still accepted.
    let _ran = verifier.verify(&second).success();
    assert_eq!(requests(), 2);
    let _ran = verifier.verify(&first).success();
    // Another rotation right after it.
    verifier.publishes(&[&first, &second, &third]);
    let _ran = verifier.verify(&third).success();
    assert_eq!(requests(), 3);
    // Revoked: accepted until the copy is an hour old, or refreshed.
    verifier.publishes(&[&second, &third]);
    let _ran = verifier.verify(&first).success();
    let _ran = verifier.operator.run("jwks refresh").success();
    let _ran = verifier.verify(&first).fails_with(11);
    let _ran = verifier.verify(&second).success();
    // And by itself, within the hour.
    verifier.publishes(&[&third]);
    let _ran = verifier.verify(&second).success();
    verifier.age(61 * MINUTE);
    let _ran = verifier.verify(&second).fails_with(11);
    let _ran = verifier.verify(&third).success();
}

#[test]
fn with_nothing_on_disk_an_outage_leaves_no_verdict() {
    let signer = Signer::es256("k1");
    let good = text(&[&signer]);
    let elsewhere = JwksServer::saying(good.clone());
    let verifier = Verifier::of(&[&signer]);
    let floods = Manner::Floods(50);
    for (name, manner, words) in [
        ("500", Manner::Status(500, good.clone()), "answers 500"),
        ("404", Manner::Status(404, good.clone()), "answers 404"),
        ("HTML", Manner::Says("<html>Sign in</html>".to_owned()), "not JSON"),
        ("50 MB", floods, "larger than"),
        ("a redirect", Manner::Redirects(elsewhere.url()), "not followed"),
        ("nothing", Manner::Says(String::new()), "not JSON"),
        ("an empty set", Manner::Says("{\"keys\":[]}".to_owned()), "it is empty"),
        ("no set", Manner::Says("{}".to_owned()), "no list `keys`"),
        ("a set of secrets", Manner::Says(published(&[Signer::hs256(&[1; 32]).jwk()])), "a secret"),
        ("no end", Manner::Stalls, "does not answer within 5 s"),
    ] {
        verifier.server.now(manner);
        let ran = verifier.verify(&signer).fails_with(7);
        let said = ran.error().to_string();
        assert!(said.contains(words) && said.contains("verify the token"), "{name}: {ran}");
        assert_eq!(ran.stdout(), "", "{name}: {ran}");
        let line = "token explain - -o json";
        let explained = verifier.operator.run_reading(&token(&signer), line).fails_with(7);
        assert_eq!(explained.json()["outcome"], "undecided", "{name}");
    }
    assert_eq!(elsewhere.requests(), 0);
    // It is back, and nothing has to be waited for.
    verifier.publishes(&[&signer]);
    let _ran = verifier.verify(&signer).success();
    // Nobody there at all.
    let Verifier { operator, server } = verifier;
    let _ran = operator.run("jwks clear").success();
    drop(server);
    let ran = operator.run_reading(&token(&signer), "token verify -").fails_with(7);
    assert!(ran.stderr().contains("cannot be reached"), "{ran}");
}

#[test]
fn ten_at_once_share_one_failure_too() {
    let signer = Signer::es256("k1");
    let verifier = Verifier::of(&[&signer]);
    verifier.server.now(Manner::Stalls);
    assert_eq!(verifier.verify_at_once(10, |_| token(&signer)), [7; 10]);
    assert_eq!(verifier.server.requests(), 1);
}

#[test]
fn an_old_copy_is_used_during_an_outage_and_said_aloud() {
    let (signer, unknown) = (Signer::es256("k1"), Signer::es256("k2"));
    let verifier = Verifier::of(&[&signer]);
    let _ran = verifier.verify(&signer).success();
    for manner in [
        Manner::Status(503, String::new()),
        Manner::Says("<html></html>".to_owned()),
        Manner::Says("{\"keys\":[]}".to_owned()),
        Manner::Floods(50),
    ] {
        verifier.server.now(manner);
        verifier.age(61 * MINUTE);
        let before = verifier.server.requests();
        let ran = verifier.verify(&signer).success();
        assert_eq!(ran.json()["jwks"]["stale"], true, "{ran}");
        assert!(ran.json()["jwks"]["problem"].is_string(), "{ran}");
        assert!(ran.stderr().contains("warning"), "{ran}");
        assert!(ran.stderr().contains("cannot be asked"), "{ran}");
        // Everybody else leaves the endpoint alone for a while, and is told the same.
        assert_eq!(verifier.verify_at_once(5, |_| token(&signer)), [0; 5]);
        assert_eq!(verifier.server.requests(), before + 1);
        // Whether a new key is good cannot be known now.
        let _ran = verifier.verify(&unknown).fails_with(7);
        // A good answer ends it.
        verifier.publishes(&[&signer]);
        verifier.age(31 * SECOND);
        let ran = verifier.verify(&signer).success();
        assert_eq!(ran.json()["jwks"]["stale"], false, "{ran}");
        assert_eq!(ran.stderr(), "", "{ran}");
    }
    // Nothing older than two hours is used.
    verifier.server.now(Manner::Status(503, String::new()));
    verifier.age(121 * MINUTE);
    let _ran = verifier.verify(&signer).fails_with(7);
}

#[test]
fn an_outage_within_the_hour_is_not_even_noticed() {
    let signer = Signer::es256("k1");
    let Verifier { operator, server } = Verifier::of(&[&signer]);
    let _ran = operator.run_reading(&token(&signer), "token verify -").success();
    drop(server);
    let ran = operator.run_reading(&token(&signer), "token verify -").success();
    assert_eq!(ran.stderr(), "", "{ran}");
}

#[test]
fn the_copy_is_private_and_only_believed_while_it_is() {
    let (signer, thief) = (Signer::es256("k1"), Signer::es256("k1"));
    let verifier = Verifier::of(&[&signer]);
    let _ran = verifier.verify(&signer).success();
    let copy = verifier.copy();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(mode(copy.parent().unwrap()), 0o700);
    let folder = copy.parent().unwrap();
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the copy and its lock: {left:?}");
    // Somebody else could have written it.
    let forged = fs::read_to_string(&copy).unwrap();
    let mut forged: Value = serde_json::from_str(&forged).unwrap();
    forged["copy"]["document"] = json!(text(&[&thief]));
    fs::write(&copy, forged.to_string()).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o622)).unwrap();
    let _ran = verifier.verify(&thief).fails_with(11);
    assert_eq!(verifier.server.requests(), 2);
    assert_eq!(mode(&copy), 0o600);
    // A link is not followed, and what it led to stays.
    let target = verifier.operator.home().join("elsewhere");
    fs::write(&target, forged.to_string()).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink(&target, &copy).unwrap();
    let _ran = verifier.verify(&thief).fails_with(11);
    assert!(fs::read_to_string(&target).unwrap().contains("document"));
    // Rubbish is no copy.
    for rubbish in ["", "{", "[]", "{\"url\":\"https://other.example\"}"] {
        fs::write(&copy, rubbish).unwrap();
        let _ran = verifier.verify(&signer).success();
    }
}

#[test]
fn keys_that_cannot_be_kept_are_keys_all_the_same() {
    let signer = Signer::es256("k1");
    let verifier = Verifier::of(&[&signer]);
    // A file where the directory should be.
    fs::create_dir_all(verifier.operator.home().join("data")).unwrap();
    fs::write(verifier.operator.home().join("data/jwks"), "").unwrap();
    let ran = verifier.verify(&signer).success();
    assert!(ran.stderr().contains("cannot be kept on disk"), "{ran}");
}

#[test]
fn each_endpoint_has_a_copy_of_its_own() {
    let (one, other) = (Signer::es256("k"), Signer::es256("k"));
    let (first, second) = (Verifier::of(&[&one]), JwksServer::saying(text(&[&other])));
    let _ran = first.verify(&one).success();
    let there = |signer: &Signer| {
        let line = format!("token verify - --jwks {}", second.url());
        first.operator.run_reading(&token(signer), &line)
    };
    let _ran = there(&other).success();
    let _ran = there(&one).fails_with(11);
    let _ran = first.verify(&one).success();
    assert_eq!((first.server.requests(), second.requests()), (1, 1));
}

#[test]
fn jwks_shows_refreshes_and_clears() {
    let (signer, other) = (Signer::es256("k1"), Signer::es384("k9"));
    let verifier = Verifier::of(&[&signer, &other]);
    let run = |line: &str| verifier.operator.run(line);
    let shown = run("jwks show -o json").success().json();
    assert_eq!(shown["format_version"], 1);
    assert_eq!(shown["keys"][0]["kid"], "k1");
    assert_eq!(shown["keys"][0]["usable"], true);
    assert_eq!(shown["keys"][1]["kid"], "k9");
    assert_eq!(shown["keys"][1]["usable"], false);
    assert_eq!(shown["jwks"]["fetched_now"], true);
    assert_eq!(run("jwks show -o json").success().json()["jwks"]["fetched_now"], false);
    assert_eq!(verifier.server.requests(), 1);
    let table = run("jwks show").success();
    assert!(table.stdout().contains("left out: curve `P-384`"), "{table}");
    let _ran = run("jwks refresh").success();
    assert_eq!(verifier.server.requests(), 2);
    // A bad answer replaces nothing.
    verifier.server.now(Manner::Says("{\"keys\":[]}".to_owned()));
    let _ran = run("jwks refresh").fails_with(7);
    let _ran = verifier.verify(&signer).success();
    assert_eq!(run("jwks clear -o json").success().json()["jwks"]["cleared"], true);
    assert_eq!(run("jwks clear -o json").success().json()["jwks"]["cleared"], false);
    let _ran = verifier.verify(&signer).fails_with(7);
    let _ran = Operator::unconfigured().run("jwks show").fails_with(2);
}

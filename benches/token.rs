//! What a verdict on a token costs: `cargo bench --bench token`.
//!
//! The library's `verify` beside the cryptography alone, and the whole process with a warm copy of
//! the keys beside `--version`. `benches/verify.py` brings a peer and puts it beside both. Rounds are
//! interleaved; only the ratios are worth keeping.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    reason = "a benchmark reads the clock, prints what it found, and stops when something is odd"
)]

#[path = "../tests/suite/support/mint.rs"]
mod mint;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey};
use tenantctl::testkit::token::{KeySet, Keys, Outcome, Rules, Token, verify};
use time::OffsetDateTime;

use mint::{Signer, claims, published};

const ROUNDS: usize = 7;

fn main() {
    let now = OffsetDateTime::now_utc();
    library(now);
    process(now);
}

fn library(now: OffsetDateTime) {
    let rules = Rules {
        issuer: Some(mint::ISSUER.to_owned()),
        audience: Some("authenticated".to_owned()),
        tenant: None,
        leeway: Duration::ZERO,
        longest_life: Duration::from_hours(24),
    };
    let peer = std::env::var_os("TENANTCTL_BENCH_PEER");
    let home = tempfile::tempdir().unwrap();
    for signer in [Signer::es256("k"), Signer::rs256("k"), Signer::eddsa("k")] {
        let set = KeySet::parse(published(&[signer.jwk()]).as_bytes()).unwrap();
        let token = signer.token(&claims(now.unix_timestamp()));
        let keys = Keys { set: Some(&set), ..Keys::default() };
        let whole = || {
            let verdict = verify(&Token::read(token.as_bytes()), &keys, &rules, now);
            assert_eq!(verdict.outcome(), Outcome::Valid);
        };
        let (message, signature) = token.rsplit_once('.').unwrap();
        let key: &DecodingKey = set.keys()[0].decoding();
        let algorithm: Algorithm = signer.algorithm().parse().unwrap();
        let alone = || {
            let message = message.as_bytes();
            assert!(jsonwebtoken::crypto::verify(signature, message, key, algorithm).unwrap());
        };
        std::fs::write(home.path().join("keys.json"), published(&[signer.jwk()])).unwrap();
        std::fs::write(home.path().join("token"), &token).unwrap();
        let theirs = || peer.as_ref().map(|script| calls_of(Path::new(script), home.path()));
        let mut rounds: Vec<_> =
            (0..ROUNDS).map(|_| (each(2_000, &whole), each(2_000, &alone), theirs())).collect();
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ours, floor, _) = rounds[ROUNDS / 2];
        let mut ratios: Vec<_> =
            rounds.iter().filter_map(|(ours, _, theirs)| Some((*theirs)? / ours)).collect();
        ratios.sort_by(f64::total_cmp);
        let beside = ratios
            .get(ROUNDS / 2)
            .map(|ratio| format!(", {ratio:.1} x faster than the peer ({:.1} µs)", ratio * ours));
        println!(
            "{}: verify {ours:.1} µs ({:.0} a second), {:.2} x the signature alone ({floor:.1} \
             µs){}",
            signer.algorithm(),
            1e6 / ours,
            ours / floor,
            beside.unwrap_or_default()
        );
    }
    let forged = "A".repeat(20_000_000);
    let set = KeySet::parse(published(&[Signer::es256("k").jwk()]).as_bytes()).unwrap();
    let keys = Keys { set: Some(&set), ..Keys::default() };
    let refuse = || drop(verify(&Token::read(forged.as_bytes()), &keys, &rules, now));
    println!("a token of 20 MB: refused in {:.1} µs", each(1_000, &refuse));
}

/// Returns the microseconds of one call of the peer.
fn calls_of(script: &Path, home: &Path) -> f64 {
    let mut node = Command::new("node");
    node.arg(script).args(["calls", "2000"]).arg(home.join("keys.json")).arg(home.join("token"));
    let said = node.stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
}

/// Returns the microseconds of one call.
fn each(calls: u32, call: &dyn Fn()) -> f64 {
    let started = Instant::now();
    for _ in 0..calls {
        call();
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn process(now: OffsetDateTime) {
    let home = tempfile::tempdir().unwrap();
    let signer = Signer::es256("k");
    let answer = published(&[signer.jwk()]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    // One answer, for the copy on disk; nobody may ask again.
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = [0; 4096];
        let _read = stream.read(&mut question).unwrap();
        let length = answer.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}").unwrap();
    });
    std::fs::write(home.path().join("token"), signer.token(&claims(now.unix_timestamp()))).unwrap();
    let run = |arguments: &[&str]| {
        let started = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_tenantctl"))
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("TENANTCTL_DATA_DIR", home.path())
            .env("TENANTCTL_JWKS_URL", &url)
            .current_dir(home.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{arguments:?}");
        started.elapsed()
    };
    let verify = ["token", "verify", "--file", "token"];
    let _cold = run(&verify);
    server.join().unwrap();
    let median = |arguments: &[&str]| {
        let mut times: Vec<Duration> = (0..40).map(|_| run(arguments)).collect();
        times.sort();
        times[20].as_secs_f64() * 1e3
    };
    let mut rounds: Vec<_> =
        (0..ROUNDS).map(|_| (median(&verify), median(&["--version"]))).collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (ours, floor) = rounds[ROUNDS / 2];
    println!(
        "token verify, keys on disk: {ours:.2} ms, {:.2} x --version ({floor:.2} ms)",
        ours / floor
    );
}

//! `token explain`: every check in order, and why a token is refused.

use serde_json::json;

use crate::support::mint::{ISSUER, Signer, claims};
use crate::support::tokens::{check, explain, now, offline};
use crate::support::{Terminal, plain};

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
    assert_eq!(report["format_version"], 1);
    assert_eq!(report["outcome"], "rejected");
    let results: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (check["name"].as_str().unwrap(), check["outcome"].as_str().unwrap()))
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
    let mut terminal = Terminal::start(&command, 80);
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
    assert_eq!(check(&report, "signature")["outcome"], "pass");
    assert_eq!(check(&report, "format")["outcome"], "fail");
    assert_eq!(check(&report, "expiry")["outcome"], "skipped");
}

//! What we build on: licences we accept, one crypto provider, nothing from outside the registry.
//!
//! `cargo deny` says more, but needs a list that is fetched from the network.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::process::Command;

use serde_json::Value;

/// Licences that any one alternative of an expression must be made of.
const ALLOWED: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "ISC",
    "BSD-3-Clause",
    "0BSD",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "BSL-1.0",
    "PostgreSQL",
];

/// Packages that must not be built into the program.
const BANNED: [&str; 4] = ["ring", "openssl-sys", "native-tls", "rsa"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Reads `A OR B` and `A AND (B OR C)` well enough: every AND-part needs one allowed alternative.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    flat.split(" AND ").all(|part| part.split(" OR ").any(|one| ALLOWED.contains(&one.trim())))
}

#[test]
fn licences_are_ones_we_accept_and_sources_are_the_registry() {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--locked", "--format-version", "1"])).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence), "{name} is under `{licence}`");
        if let Some(source) = package["source"].as_str() {
            assert!(source.starts_with("registry+"), "{name} comes from {source}");
        }
    }
}

#[test]
fn one_crypto_provider_is_built_in() {
    let tree = cargo(&["tree", "--locked", "--prefix", "none", "--edges", "normal"]);
    for banned in BANNED {
        let is_there = tree.lines().any(|line| line.split(' ').next() == Some(banned));
        assert!(!is_there, "{banned} is built in");
    }
    assert!(tree.contains("aws-lc-rs"), "the list is not the one of this program");
}

#[test]
fn the_licence_reader_can_say_no() {
    assert!(is_allowed("MIT OR GPL-3.0"));
    assert!(!is_allowed("GPL-3.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
}

/// sqlx trusts what this package lists beside the authority that an operator names.
#[test]
fn no_authority_is_trusted_that_was_not_named() {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--locked", "--format-version", "1"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let roots: Vec<_> = packages.iter().filter(|p| p["name"] == "webpki-roots").collect();
    let [ours] = roots.as_slice() else { panic!("{} packages of that name", roots.len()) };
    assert!(ours["source"].is_null(), "{}", ours["source"]);
}

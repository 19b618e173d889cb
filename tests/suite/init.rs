//! `init`: the control plane's schema, installed once however often and by however many.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Operator, server};

const HISTORY: &str = "SELECT string_agg(version::text, ',' ORDER BY version) \
     FROM control_plane.schema_history";

/// Returns the versions a complete control plane has gone through.
fn every_version() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/control_plane");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let version = |name: &str| name[1..].split("__").next().unwrap().parse::<u32>().unwrap();
    let mut versions: Vec<_> = names.map(|name| version(name.to_str().unwrap())).collect();
    versions.sort_unstable();
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Returns how much a fresh installation applies: every version, and the functions after them.
fn everything() -> usize {
    every_version().split(',').count() + 1
}

#[test]
fn a_fresh_database_is_installed_and_a_second_time_does_nothing() {
    let operator = Operator::before_init();
    let ran = operator.run("init -o json").success();
    let first = ran.json();
    assert_eq!(first["format_version"], 1);
    assert_eq!(
        first["control_plane"]["version"].to_string(),
        every_version().split(',').next_back().unwrap()
    );
    assert_eq!(first["applied"].as_array().unwrap().len(), everything());
    assert_eq!(operator.plane().ask(HISTORY), every_version());
    let second = operator.run("init -o json").success().json();
    assert_eq!(second["applied"], serde_json::json!([]));
    assert_eq!(second["control_plane"]["id"], first["control_plane"]["id"]);
    let text = operator.run("init").success();
    assert!(text.stdout().contains("nothing: it is up to date"), "{text}");
    let _ran = operator.run("tenant list").success();
    operator.assert_sound();
}

#[test]
fn two_at_once_both_succeed_and_nothing_is_applied_twice() {
    let operator = Operator::before_init();
    let running: Vec<_> = (0..4).map(|_| operator.start("init -o json", &[])).collect();
    let mut applied = 0;
    for ran in running.into_iter().map(|running| running.wait().success()) {
        applied += ran.json()["applied"].as_array().unwrap().len();
    }
    assert_eq!(applied, everything());
    assert_eq!(operator.plane().ask(HISTORY), every_version());
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log WHERE action = 'init'";
    assert_eq!(operator.plane().ask(rows), "2");
    operator.assert_sound();
}

#[test]
fn what_a_newer_binary_upgraded_is_refused_by_every_command() {
    let operator = Operator::new();
    operator.plane().run(
        "INSERT INTO control_plane.schema_history (version, name, applied_on, checksum) \
         VALUES (99, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
    );
    for line in ["init", "init --dry-run", "tenant list", "migrate apply --all", "audit verify"] {
        let error = operator.run(&format!("{line} -o json")).fails_with(5).error();
        assert_eq!(error["kind"], "conflict", "{line}");
        assert!(error["message"].to_string().contains("V99"), "{error}");
        assert!(error["hint"].to_string().contains("newer tenantctl"), "{error}");
    }
}

#[test]
fn an_edited_history_is_refused() {
    let operator = Operator::new();
    operator
        .plane()
        .run("UPDATE control_plane.schema_history SET checksum = '255' WHERE version = 2");
    let error = operator.run("init -o json").fails_with(5).error();
    assert!(error.to_string().contains("00000000000000ff"), "{error}");
}

#[test]
fn before_init_every_command_says_so_and_how() {
    let operator = Operator::before_init();
    for line in [
        "tenant list",
        "tenant create acme --name Acme",
        "tenant show acme",
        "tenant delete acme --confirm acme",
        "migrate apply --all",
        "migrate status",
        "seed apply --all",
        "session check x",
        "session revoke --jti x --reason x --yes",
        "audit list",
        "audit verify",
        "audit export",
    ] {
        let ran = operator.run(&format!("{line} -o json")).fails_with(3);
        assert_eq!(ran.error()["kind"], "refused", "{ran}");
        assert_eq!(ran.error()["hint"], "tenantctl init", "{ran}");
        assert_eq!(ran.stdout(), "", "{ran}");
    }
    let is_there = "SELECT to_regnamespace('control_plane') IS NOT NULL";
    assert_eq!(server().operator(operator.plane_name()).ask(is_there), "f", "nothing was made");
}

/// Returns a control plane as the binary left it that knew no version above this one.
fn as_of(version: usize) -> Operator {
    let (whole, older) = (Operator::new(), Operator::before_init());
    let mut plane = older.plane();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/control_plane");
    plane.run(
        "SET search_path = pg_catalog; CREATE SCHEMA control_plane; \
         CREATE TABLE control_plane.schema_history (version int8 PRIMARY KEY, \
           name varchar(255), applied_on varchar(255), checksum varchar(255))",
    );
    let numbered = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let (number, _) = path.file_name()?.to_str()?[1..].split_once("__")?;
        Some((number.parse().ok()?, path))
    };
    let files: BTreeMap<usize, _> = fs::read_dir(folder).unwrap().filter_map(numbered).collect();
    for (number, path) in files.range(..=version) {
        plane.run(&fs::read_to_string(path).unwrap());
        let row = whole.plane().ask(&format!(
            "SELECT format('%L, %L, %L, %L', version, name, applied_on, checksum) \
             FROM control_plane.schema_history WHERE version = {number}"
        ));
        plane.run(&format!("INSERT INTO control_plane.schema_history VALUES ({row})"));
    }
    older
}

#[test]
fn a_control_plane_that_is_behind_wants_init_and_is_upgraded_by_it() {
    let count = every_version().split(',').count();
    for version in 1..count {
        let operator = as_of(version);
        let error = operator.run("tenant list -o json").fails_with(3).error();
        assert_eq!(error["hint"], "tenantctl init");
        let planned = operator.run("init --dry-run -o json").success().json();
        let pending = everything() - version;
        assert_eq!(planned["plan"]["planned"].as_array().unwrap().len(), pending, "{planned}");
        let upgraded = operator.run("init -o json").success().json();
        assert_eq!(upgraded["applied"], planned["plan"]["planned"]);
        let _ran = operator.run("tenant list").success();
    }
}

#[test]
fn a_dry_run_shows_what_would_be_applied_and_makes_nothing() {
    let operator = Operator::before_init();
    let planned = operator.run("init --dry-run -o json").success().json();
    assert_eq!(planned["dry_run"], true);
    assert_eq!(planned["plan"]["planned"].as_array().unwrap().len(), everything());
    assert_eq!(planned["plan"]["planned"][0], "V1__identity");
    let is_there = "SELECT to_regnamespace('control_plane') IS NOT NULL";
    assert_eq!(server().operator(operator.plane_name()).ask(is_there), "f");
    let _ran = operator.run("tenant list").fails_with(3);
}

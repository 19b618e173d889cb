//! Results and errors as JSON: their shape, their kinds and their exit codes.

use serde_json::Value;

use crate::support::{Operator, server};

const USER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

#[test]
fn every_result_in_json_says_its_version_and_stands_under_its_noun() {
    let operator = Operator::before_init();
    let check = |line: &str, noun: &str, is_list: bool| -> Value {
        let ran = operator.run(&format!("{line} -o json")).success();
        let document = ran.json();
        assert_eq!(document["format_version"], 1, "{ran}");
        assert_eq!(document.as_object().unwrap().keys().next().unwrap(), "format_version", "{ran}");
        let thing = &document[noun];
        assert!(if is_list { thing.is_array() } else { !thing.is_null() }, "no `{noun}` in {ran}");
        assert!(ran.stdout().ends_with("}\n"), "{ran}");
        document
    };
    check("init --dry-run", "plan", false);
    check("init", "control_plane", false);
    check("tenant list", "tenants", true);
    check("tenant create acme --name Acme --dry-run", "plan", false);
    check("tenant create acme --name Acme", "tenant", false);
    check("tenant create acme --name Acme", "tenant", false);
    check("tenant list", "tenants", true);
    check("tenant show acme", "tenant", false);
    check("tenant url acme", "url", false);
    check("tenant url acme --reveal", "url", false);
    check("tenant rotate acme --dry-run", "plan", false);
    check("tenant rotate acme", "url", false);
    check("tenant protect acme --dry-run", "plan", false);
    check("tenant protect acme", "tenant", false);
    check("tenant unprotect acme", "tenant", false);
    check("migrate apply --all --dry-run", "results", true);
    check("migrate apply --all", "results", true);
    check("migrate status", "results", true);
    check("migrate status --verify", "results", true);
    check("seed list", "seed_sets", true);
    check("seed apply --all --dry-run", "results", true);
    check("seed apply --all", "results", true);
    let issued = check(&format!("session issue --user {USER} --tenant acme"), "session", false);
    let jti = issued["session"]["jti"].as_str().unwrap();
    check(&format!("session check {jti}"), "session", false);
    check(&format!("session show {jti}"), "session", false);
    check("session list --tenant acme", "sessions", true);
    check(&format!("session revoke --jti {jti} --reason x --dry-run"), "revocation", false);
    check(&format!("session revoke --jti {jti} --reason x --yes"), "revocation", false);
    check("audit list", "entries", true);
    check("audit verify", "chain", false);
    check("tenant delete acme --dry-run", "plan", false);
    check("tenant delete acme --confirm acme", "tenant", false);
    check("tenant restore acme --dry-run", "plan", false);
    check("tenant restore acme", "tenant", false);
    check("tenant delete acme --confirm acme", "tenant", false);
    check("tenant purge acme --no-backup --dry-run", "plan", false);
    check("tenant purge --due --no-backup --dry-run", "results", true);
    check("tenant purge acme --no-backup --confirm acme", "tenant", false);
    check("tenant purge --due --no-backup --confirm due", "results", true);
    check("local status", "local", false);
}

#[test]
fn lists_in_ndjson_are_one_object_a_line() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let create = format!("tenant create {slug} --name {slug} --no-migrate");
        let _ran = operator.run(&create).success();
    }
    operator.issue(USER, "acme");
    for (line, kind, count) in [
        ("tenant list", "tenant", Some(2)),
        ("tenant list --search nobody", "tenant", Some(0)),
        ("tenant show acme", "tenant", None),
        ("migrate apply --all", "result", Some(2)),
        ("migrate status", "result", Some(2)),
        ("tenant purge --due --no-backup --dry-run", "result", Some(0)),
        ("seed list", "seed_set", Some(1)),
        ("session list --tenant acme", "session", Some(1)),
        ("member list acme", "member", Some(0)),
        ("audit list --limit 3", "entry", Some(3)),
        ("audit verify", "chain", None),
        ("health", "check", Some(4)),
    ] {
        let ran = operator.run(&format!("{line} -o ndjson")).success();
        let lines: Vec<Value> =
            ran.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        let mut expected = vec![kind; count.unwrap_or(1)];
        expected.extend(count.map(|_| "summary"));
        assert_eq!(types, expected, "{ran}");
        if let Some(count) = count {
            assert_eq!(lines.last().unwrap()["summary"]["count"], count, "{ran}");
        }
        // The thing stands under its type's name, and what concerns a tenant names it in one way.
        for line in &lines {
            assert_eq!(line["format_version"], 1, "{line}");
            let thing = &line[line["type"].as_str().unwrap()];
            assert!(thing.is_object(), "{line}");
            let tenant = if line["type"] == "tenant" { thing } else { &thing["tenant"] };
            if tenant.is_object() {
                assert!(tenant["id"].is_string() && tenant["slug"].is_string(), "{line}");
            }
        }
        // Progress is for programs as well.
        for line in ran.stderr().lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {ran}"));
            assert_eq!((&event["format_version"], &event["type"]), (&1.into(), &"event".into()));
            assert!(event["event"].is_string(), "{event}");
        }
    }
}

/// Runs a line in JSON, checks the shape every error has, and returns its kind.
fn error_kind(operator: &Operator, line: &str, code: i32) -> String {
    let ran = operator.run(&format!("{line} -o json")).fails_with(code);
    assert_eq!(ran.stdout(), "", "nothing on stdout: {ran}");
    assert_eq!(ran.stderr().lines().count(), 1, "one object: {ran}");
    let error = ran.error();
    let fields: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["kind", "message", "causes", "hint", "retryable"], "{ran}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("failed to "), "{ran}");
    for cause in error["causes"].as_array().unwrap() {
        assert!(!message.contains(cause.as_str().unwrap()), "said twice: {ran}");
    }
    assert!(error["hint"].is_string() || error["hint"].is_null(), "{ran}");
    let kind = error["kind"].as_str().unwrap().to_owned();
    let is_retryable = matches!(&*kind, "unavailable" | "incomplete" | "partial" | "interrupted");
    assert_eq!(error["retryable"], is_retryable, "{ran}");
    // People read the same words.
    let text = operator.run(line).fails_with(code);
    assert_eq!(text.stdout(), "", "{text}");
    if kind != "usage" {
        assert!(text.stderr().contains(&format!("error: {message}")), "{text}\n{message}");
        if let Some(hint) = error["hint"].as_str() {
            assert!(text.stderr().contains(&format!("hint: {hint}")), "{text}");
        }
    }
    kind
}

#[test]
fn every_kind_of_error_is_one_object_with_its_own_exit_code() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let _ran = operator.run("tenant protect acme").success();
    assert_eq!(error_kind(&operator, "tenant create acme", 2), "usage");
    assert_eq!(error_kind(&operator, "migrate apply", 2), "usage");
    assert_eq!(error_kind(&operator, "--profile nowhere tenant list", 2), "usage");
    assert_eq!(error_kind(&operator, "tenant delete acme", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --yes", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --confirm other", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --confirm acme", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant show nobody", 4), "not_found");
    assert_eq!(error_kind(&operator, "tenant create acme --name Other", 5), "conflict");
    let set = operator.home().join("seeds/broken");
    std::fs::create_dir_all(&set).unwrap();
    std::fs::write(set.join("1.sql"), "SELECT 1 / 0;\n").unwrap();
    let operator = operator.with("TENANTCTL_SEEDS_DIR", set.parent().unwrap());
    let create = "tenant create globex --name Globex --seed=broken";
    assert_eq!(error_kind(&operator, create, 8), "incomplete");

    let login = operator.tenant("acme").database;
    let url = |text: String| Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", text);
    let plane = operator.plane_name();
    let wrong = server().url(&format!("{login}:wrong"), plane);
    assert_eq!(error_kind(&url(wrong), "tenant list", 6), "denied");
    let right = operator.run("tenant url acme --reveal").success().stdout().trim().to_owned();
    let right = right.replacen(&format!("@/{login}"), &format!("@/{plane}"), 1);
    assert_eq!(error_kind(&url(right), "tenant list", 6), "denied");
    let away = "postgresql://operator@/control_plane?host=/nowhere".to_owned();
    assert_eq!(error_kind(&url(away), "tenant list", 7), "unavailable");
    let closed = "postgresql://operator@127.0.0.1:1/control_plane".to_owned();
    let closed = url(closed);
    assert_eq!(error_kind(&closed, "tenant list", 7), "unavailable");
    // The reason, and not that something was waited for.
    let refused = closed.run("tenant list -o json").fails_with(7).error();
    assert!(refused["causes"][0].to_string().contains("Connection refused"), "{refused}");
    assert_eq!(error_kind(&url(server().url("operator", "no_such")), "tenant list", 3), "refused");
    assert_eq!(error_kind(&Operator::unconfigured(), "tenant list", 2), "usage");
}

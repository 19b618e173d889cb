//! What a command over tenants leaves beside its streams: `JUnit` XML and a step's summary.

use std::fs;

use crate::support::product::{NOTES, Product};

/// What CI reads: a test case for each tenant, and a table in the step's summary.
#[test]
fn a_fleet_is_reported_as_junit_and_in_the_steps_summary() {
    let product = Product::new();
    product.create(&["acme", "broken", "locked"]);
    let _ran = product.run("lockdown locked --reason r").success();
    product.add("V8__notes.sql", NOTES);
    product.operator.inside("broken").run(r#"CREATE TABLE public.notes ("a|]]>`<b>" int)"#);
    let home = product.operator.home().to_owned();
    let file = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    let summary = home.join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let run = |line: &str| {
        let variables = [("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        product.operator.start(line, &variables).wait()
    };

    // What cannot be written is found before anything is touched.
    let ran = product.run("migrate apply --all --junit nowhere/report.xml -o json").fails_with(2);
    assert!(ran.error()["message"].as_str().unwrap().contains("nowhere/report.xml"), "{ran}");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
    // A summary is not what was asked for: a warning.
    let ran =
        product.operator.start("migrate status", &[("GITHUB_STEP_SUMMARY", "no/where")]).wait();
    assert!(ran.fails_with(10).stderr().contains("no/where cannot be written"));

    let _ran = run("migrate apply --all --junit report.xml").fails_with(9);
    let xml = file("report.xml");
    for told in [
        r#"<testsuite name="tenantctl migrate apply" tests="3" skipped="1" errors="0" failures="1""#,
        r#"<testcase name="acme" classname="tenantctl.migrate.apply" time=""#,
        r#"<failure message="failed to apply V8__notes"#,
        "hint: ",
        r#"<skipped message="locked down"/>"#,
        "done: V8__notes",
    ] {
        assert!(xml.contains(told), "{told}: {xml}");
    }
    let page = fs::read_to_string(&summary).unwrap();
    assert!(
        page.starts_with(
            "before\n### tenantctl migrate apply\n\n3 tenants: 1 done, 1 failed, 1 skipped"
        ),
        "{page}"
    );
    assert!(
        page.contains("| ✅ | acme | done |") && page.contains("| ❌ | broken | failed |"),
        "{page}"
    );

    // Each command has a page of its own, and what fails as a whole is one case.
    let line = "query --tenant acme 'SELECT 1' --junit report.xml";
    let _ran = run(line).success();
    assert!(file("report.xml").contains(r#"<testsuite name="tenantctl query" tests="1""#));
    let _ran = run("seed apply --tenant acme --junit report.xml").success();
    let _ran = run("unlock locked --yes --reason over --junit report.xml").success();
    assert!(file("report.xml").contains(r#"<testcase name="locked" classname="tenantctl.unlock""#));
    let _ran = run("lockdown acme locked --reason r --junit report.xml").success();
    assert!(file("report.xml").contains(r#"tests="2" skipped="0" errors="0" failures="0""#));
    let _ran = run("session revoke --tenant acme --yes --reason r --junit report.xml").success();
    let _ran = run("migrate apply --tenant nobody --junit report.xml").fails_with(4);
    let xml = file("report.xml");
    assert!(
        xml.contains(r#"<error message="failed to find nobody: no such tenant" type="not_found">"#),
        "{xml}"
    );
    let page = fs::read_to_string(&summary).unwrap();
    let pages: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("### tenantctl ")).collect();
    let expected =
        "migrate apply, query, seed apply, unlock, lockdown, session revoke, migrate apply";
    assert_eq!(pages.join(", "), expected);
    // A disk that is full at the end: what was done is done, and the code is not that of a success.
    let ran = run("query --tenant broken 'SELECT 1' --junit /dev/full").fails_with(8);
    assert!(ran.stderr().contains("what the command did is done"), "{ran}");
}

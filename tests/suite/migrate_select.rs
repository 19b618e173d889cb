//! Which tenants `migrate` means, and what is refused before anything is touched.

use std::fs;

use crate::support::Operator;
use crate::support::product::{NOTES, Product, result, verdicts};

#[test]
fn every_selector_means_the_tenants_it_says() {
    let product = Product::new();
    let labelled = "tenant create gold-one --name One --label tier=gold --label region=south";
    let creates = [labelled, "tenant create gold-two --name Two --label tier=gold"];
    for create in creates {
        let _ran = product.run(create).success();
    }
    product.create(&["plain"]);
    let plan = |line: &str| {
        let ran = product.run(&format!("migrate apply {line} --dry-run -o json")).success();
        let report = ran.json();
        assert_eq!(report["format_version"], 1);
        assert_eq!(report["dry_run"], true);
        let results = report["results"].as_array().unwrap().iter();
        results
            .map(|r| r["tenant"]["slug"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(plan("--tenant plain"), "plain");
    assert_eq!(plan("--tenant plain,gold-one"), "gold-one plain");
    assert_eq!(plan("--all"), "gold-one gold-two plain");
    assert_eq!(plan("--all --exclude plain,gold-two"), "gold-one");
    assert_eq!(plan("--label tier=gold"), "gold-one gold-two");
    assert_eq!(plan("--label tier=gold --label region=south"), "gold-one");
    assert_eq!(plan("--label tier=silver --allow-empty"), "");
    assert_eq!(plan("--status active --exclude gold-one"), "gold-two plain");
    assert_eq!(plan("--locked --allow-empty"), "");
    fs::write(product.operator.home().join("list"), "# two of them\n\nplain\n  gold-two  \n")
        .unwrap();
    assert_eq!(plan("--from-file list"), "gold-two plain");
    assert_eq!(plan("--from-file list --exclude plain"), "gold-two");
    let line = "migrate apply --from-file - --dry-run -o json";
    let ran = product.operator.run_reading("gold-one\nplain\n", line).success();
    assert_eq!(verdicts(&ran.json()), "gold-one:unchanged plain:unchanged");
}

#[test]
fn a_selector_that_cannot_be_meant_is_refused_before_anything_is_touched() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log";
    let before = product.operator.plane().ask(rows);

    let missing = product.run("migrate apply --tenant acme,nobody,ghost -o json").fails_with(4);
    let error = missing.error();
    assert_eq!(error["kind"], "not_found");
    assert_eq!(error["message"], "failed to find nobody, ghost: no such tenant");
    assert_eq!(missing.stdout(), "");
    let _ran = product.run("migrate apply -o json").fails_with(2);
    let _ran = product.operator.run_reading("", "migrate apply --from-file -").fails_with(2);
    let _ran = product
        .operator
        .run_reading("acme\nNo Slug\n", "migrate apply --from-file -")
        .fails_with(2);
    let _ran = product.run("migrate apply --from-file nowhere").fails_with(2);
    let _ran = product.run("migrate apply --tenant acme --target 9").fails_with(2);
    let _ran = product.run("migrate apply --tenant acme --seed=prod").fails_with(4);

    assert_eq!(product.operator.plane().ask(rows), before, "nothing was begun");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
}

#[test]
fn an_empty_fleet_is_done_at_once() {
    let operator = Operator::new();
    let ran = operator.run("migrate apply --all -o json").success();
    assert_eq!(ran.json()["summary"]["count"], 0);
    let ran = operator.run("migrate apply --all").success();
    assert_eq!(ran.stdout(), "No tenants selected.\n");
    let _ran = operator.run("migrate status").success();
}

/// A typo makes no green pipeline.
#[test]
fn a_selection_that_fits_nobody_is_a_mistake_unless_it_is_allowed() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    for line in [
        "migrate apply --label tier=golden",
        "migrate apply --all --label tier=golden",
        "migrate apply --locked",
        "seed apply --label tier=golden",
        "migrate status --locked",
        "migrate apply --all --exclude acmee",
        "migrate apply --tenant globex --exclude acmee",
    ] {
        let error = product.run(&format!("{line} -o json")).fails_with(4).error();
        assert!(!error["hint"].is_null(), "{line}: {error}");
    }
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7", "nothing was begun");
    let ran = product.run("migrate apply --label tier=golden --allow-empty").success();
    assert_eq!(ran.stdout(), "No tenants selected.\n");
    let _ran = product.run("migrate apply --all --exclude acme").success();
    assert_eq!(
        (&*product.history("acme"), &*product.history("globex")),
        ("1,2,3,4,5,6,7", "1,2,3,4,5,6,7,8")
    );
}

#[test]
fn tenants_that_are_locked_deleted_or_quarantined_are_left_alone_with_a_reason() {
    let product = Product::new();
    product.create(&["acme", "deleted", "locked", "odd"]);
    let _ran = product.run("tenant delete deleted --confirm deleted").success();
    product.operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET locked_at = now(), locked_by = 'a test', lock_reason = 'a test' \
         WHERE slug = 'locked'; \
         UPDATE control_plane.tenant_metadata SET quarantined_at = now(), \
         quarantine_reason = 'two databases' WHERE slug = 'odd'",
    );
    product.add("V8__notes.sql", NOTES);
    let ran = product.run("migrate apply --all -o json").success();
    let report = ran.json();
    // What is deleted is no part of the fleet unless somebody says so.
    assert_eq!(verdicts(&report), "acme:done locked:skipped odd:skipped");
    assert_eq!(result(&report, "locked")["reason"], "locked down");
    assert_eq!(result(&report, "odd")["reason"], "quarantined: two databases");
    assert_eq!(product.history("locked"), "1,2,3,4,5,6,7");
    assert_eq!(product.history("odd"), "1,2,3,4,5,6,7");
    // Who is behind is told, by reason and with the version; and once.
    let ran = product.run("migrate apply --all").success();
    let told = "3 tenants: 1 unchanged, 2 skipped";
    for told in [told, "skipped, locked down: locked (V7)", "two databases: odd (V7)"] {
        assert_eq!(ran.stdout().matches(told).count(), 1, "{told}: {ran}");
    }

    // One rule, whatever the command and whoever else is selected: what was named must not be skipped,
    // and with the flag nobody.
    let query = "'SELECT 1'";
    for (code, line) in [
        (5, "migrate apply --tenant locked"),
        (5, "migrate apply --tenant locked,odd"),
        (5, "migrate apply --tenant deleted"),
        (9, "migrate apply --tenant acme,locked"),
        (9, "migrate apply --tenant locked --status active"),
        (9, "migrate apply --all --fail-on-skipped"),
        (0, "migrate apply --all --exclude locked,odd --fail-on-skipped"),
        (5, "migrate apply --locked --fail-on-skipped"),
        (0, "migrate apply --locked"),
        (0, "migrate apply --status deleted"),
        (5, "seed apply --tenant locked --dry-run"),
        (9, "seed apply --tenant acme,locked --dry-run"),
        (0, "seed apply --all --dry-run"),
        (9, "seed apply --all --dry-run --fail-on-skipped"),
        (5, "query --tenant locked"),
        (9, "query --tenant acme,locked"),
        (0, "query --all"),
        (9, "query --all --fail-on-skipped"),
    ] {
        let line =
            if line.starts_with("query") { format!("{line} {query}") } else { line.to_owned() };
        let _ran = product.run(&format!("{line} -o json")).fails_with(code);
    }
    // A lock keeps nothing from a tenant that has everything.
    let _ran = product.run("lockdown acme --reason r").success();
    let ran = product.run("migrate apply --tenant acme -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged");
}

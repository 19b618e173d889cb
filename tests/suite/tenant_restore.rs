//! `tenant restore`: everything comes back but old sessions.

use serde_json::json;

use crate::support::Operator;
use crate::support::deletion::{USER, standing, with_tenant};

#[test]
fn restoring_brings_everything_back_but_old_sessions() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let jti = operator.issue(USER, "acme");
    let vendors = "SELECT count(*) FROM vendors";
    let before: i64 = operator.login("acme").unwrap().value(vendors);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let restored = operator.run("-o json tenant restore acme").success().json();
    assert_eq!(restored["tenant"]["status"], "active");
    assert_eq!(operator.login("acme").unwrap().value::<i64>(vendors), before);
    let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    let fresh = operator.issue(USER, "acme");
    let _ran = operator.run(&format!("session check {fresh}")).success();
    let again = operator.run("-o json tenant restore acme").success().json();
    assert_eq!(again["changed"], false);
    let _ran = operator.run("tenant restore nobody").fails_with(4);
    operator.assert_sound();
}

#[test]
fn a_dry_run_of_each_changes_nothing() {
    let operator = with_tenant("acme");
    let before = standing(&operator);
    let ran = operator.run("tenant restore acme --dry-run").success();
    assert!(ran.stdout().contains("Nothing to do."), "{ran}");
    let plan = operator.run("-o json tenant delete acme --dry-run").success().json();
    assert_eq!(plan["plan"]["steps"], json!(["mark", "close"]));
    let plan = operator.run("-o json tenant delete acme --purge --no-backup --dry-run");
    let plan = plan.success().json();
    let both = json!(["mark", "close", "check", "commit", "drop", "role", "tombstone"]);
    assert_eq!(plan["plan"]["steps"], both);
    assert_eq!(plan["plan"]["status_after"], "purged");
    assert_eq!(standing(&operator), before);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let before = standing(&operator);
    let plan = operator.run("-o json tenant purge acme --no-backup --dry-run").success().json();
    assert_eq!(plan["plan"]["steps"], json!(["check", "commit", "drop", "role", "tombstone"]));
    let plan = operator.run("-o json tenant restore acme --dry-run").success().json();
    let plan = &plan["plan"];
    assert_eq!((&plan["status"], &plan["status_after"]), (&json!("deleted"), &json!("active")));
    assert_eq!(plan["steps"], json!(["open", "mark"]));
    let _ran = operator.run("tenant purge --due --no-backup --dry-run").success();
    assert_eq!(standing(&operator), before);
}

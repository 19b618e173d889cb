//! `tenant delete`: cut off at once, with the operator's word, and kept for a while.

use serde_json::json;

use crate::support::deletion::{USER, exists, replaced, standing, with_tenant};
use crate::support::{Operator, Session, server};

#[test]
fn without_the_operators_word_nothing_is_deleted() {
    let operator = with_tenant("acme");
    let before = standing(&operator);
    for line in [
        "tenant delete acme",
        "tenant delete acme --yes",
        "tenant delete acme --yes --no-input",
        "tenant delete acme --confirm acm",
        "tenant delete acme --confirm ''",
        "tenant delete acme --confirm ACME --yes",
        "tenant delete acme --purge --no-backup --yes",
        "tenant delete acme --purge --no-backup --confirm globex",
        "tenant purge acme --no-backup",
        "tenant purge acme --no-backup --yes",
        "tenant purge acme --no-backup --confirm due",
        "tenant purge --due --no-backup --yes",
        "tenant purge --due --no-backup --confirm acme",
    ] {
        let error = operator.run(&format!("-o json {line}")).fails_with(3).error();
        assert_eq!(error["kind"], "refused", "{line}");
        assert!(error["hint"].to_string().contains("--confirm"), "{line}: {error}");
    }
    assert_eq!(standing(&operator), before);
    assert!(operator.login("acme").is_ok());
}

#[test]
fn refused_for_want_of_a_word_means_nothing_was_contacted() {
    let operator = Operator::unconfigured()
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://nobody@/none?host=/nowhere");
    let _ran = operator.run("tenant delete acme").fails_with(3);
    let _ran = operator.run("tenant purge acme --no-backup").fails_with(3);
    let _ran = operator.run("tenant purge --due --no-backup").fails_with(3);
    let _ran = operator.run("tenant delete acme --confirm acme").fails_with(7);
}

#[test]
fn half_said_is_a_usage_error() {
    let operator = with_tenant("acme");
    let before = standing(&operator);
    for line in [
        "tenant purge acme --confirm acme",
        "tenant purge --no-backup",
        "tenant purge acme --due --no-backup",
        "tenant delete acme --purge --confirm acme",
        "tenant delete acme --no-backup --confirm acme",
        "tenant delete acme --grace 0 --confirm acme",
        "tenant delete acme --grace 0s --confirm acme",
        "tenant delete acme --grace -1h --confirm acme",
        "tenant delete acme --grace 59m --confirm acme",
        "tenant delete acme --grace 99999999999999y --confirm acme",
        "tenant delete acme --grace '' --confirm acme",
        "tenant delete acme --grace 7d --purge --no-backup --confirm acme",
        "tenant delete",
    ] {
        let _ran = operator.run(line).fails_with(2);
    }
    assert_eq!(standing(&operator), before);
}

#[test]
fn a_protected_tenant_is_not_deleted_until_it_is_unprotected() {
    let operator = with_tenant("acme");
    let protected = operator.run("-o json tenant protect acme").success().json();
    assert_eq!(protected["tenant"]["protected"], true);
    let again = operator.run("-o json tenant protect acme").success().json();
    assert_eq!((&protected["changed"], &again["changed"]), (&json!(true), &json!(false)));
    for line in [
        "tenant delete acme --confirm acme",
        "tenant delete acme --purge --no-backup --confirm acme",
        "tenant delete acme --dry-run",
    ] {
        let error = operator.run(&format!("-o json {line}")).fails_with(3).error();
        assert_eq!(error["hint"], "tenantctl tenant unprotect acme", "{line}");
    }
    assert_eq!(operator.tenant("acme").status, "active");
    assert!(operator.login("acme").is_ok());
    let _ran = operator.run("tenant unprotect acme").success();
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    // What is deleted already can still be kept from being purged.
    let _ran = operator.run("tenant protect acme").success();
    let _ran = operator.run("tenant purge acme --no-backup --confirm acme").fails_with(3);
    assert!(exists(&operator.tenant("acme").database));
    operator.assert_sound();
}

#[test]
fn deleting_ends_live_sessions_and_refuses_new_ones() {
    let operator = with_tenant("acme");
    let database = operator.tenant("acme").database;
    let url = operator.run("tenant url acme --reveal").success().stdout().to_owned();
    let mut idle = Session::at(&url).unwrap();
    let mut busy = Session::at(&url).unwrap();
    busy.run("BEGIN; SELECT count(*) FROM vendors");
    let jti = operator.issue(USER, "acme");
    let deleted = operator.run("-o json tenant delete acme --confirm acme").success().json();
    assert_eq!(deleted["tenant"]["status"], "deleted");
    assert_eq!(deleted["changed"], true);
    assert!(!idle.is_alive(), "an idle session");
    assert!(!busy.is_alive(), "a session in a transaction");
    assert!(Session::at(&url).is_err(), "a new login");
    assert!(server().login("operator", None, &database).is_err(), "nobody gets in");
    let check = operator.run(&format!("-o json session check {jti}")).fails_with(11);
    assert_eq!(check.json()["session"]["valid"], false);
    let _ran = operator.run("tenant url acme").code();
    let refused = operator.run(&format!("session issue --user {USER} --tenant acme"));
    assert_ne!(refused.code(), 0, "a session for a deleted tenant: {refused}");
    let again = operator.run("-o json tenant delete acme --confirm acme").success().json();
    assert_eq!(again["changed"], false);
    operator.assert_sound();
}

#[test]
fn the_grace_is_kept_as_asked_for_by_the_servers_clock() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant delete acme --grace 30d --confirm acme").success();
    let hours: i64 = operator.plane().value(
        "SELECT round(extract(epoch FROM purge_after - deleted_at) / 3600)::bigint \
         FROM control_plane.tenant_metadata WHERE slug = 'acme'",
    );
    assert_eq!(hours, 30 * 24);
}

#[test]
fn deleting_does_not_close_a_strangers_database() {
    let operator = with_tenant("acme");
    let database = replaced(&operator, None);
    let ran = operator.run("tenant delete acme --confirm acme").fails_with(8);
    assert!(ran.stderr().contains("no stamp"), "{ran}");
    assert_eq!(server().superuser(&database).value::<i32>("SELECT answer FROM theirs"), 42);
}

#[test]
fn delete_and_purge_in_one_go() {
    let operator = with_tenant("acme");
    let database = operator.tenant("acme").database;
    let url = operator.run("tenant url acme --reveal").success().stdout().to_owned();
    let mut live = Session::at(&url).unwrap();
    let command = "-o json tenant delete acme --purge --no-backup --confirm acme";
    let ran = operator.run(command).success();
    assert_eq!(ran.json()["tenant"]["status"], "purged");
    assert!(!live.is_alive());
    assert!(!exists(&database));
    let actions: Vec<(String, String)> = operator.plane().rows(
        "SELECT action, outcome FROM control_plane.policy_sync_log \
         WHERE action IN ('tenant.delete', 'tenant.purge') ORDER BY id",
    );
    let row = |action: &str, outcome: &str| (action.to_owned(), outcome.to_owned());
    assert_eq!(
        actions,
        [
            row("tenant.delete", "intent"),
            row("tenant.delete", "done"),
            row("tenant.purge", "intent"),
            row("tenant.purge", "done"),
        ]
    );
    operator.assert_sound();
}

//! `unlock`: gives back exactly what the lockdown took, and never what a later one took.

use rustix::process::Signal;

use crate::support::lockdown::{
    ALL_REFUSED, LOCK, UNLOCK, access, assert_open, gate_is_locked, pairs, results, url,
    with_tenant,
};
use crate::support::{Operator, PATIENCE, Session, server, until};

#[test]
fn a_login_that_was_off_before_stays_off() {
    let operator = with_tenant();
    let name = operator.tenant("acme").database;
    server().superuser("postgres").run(&format!("ALTER ROLE {name} NOLOGIN CONNECTION LIMIT 7"));
    let before = access(&operator);
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run(UNLOCK).success();
    assert_eq!(access(&operator), before);
}

#[test]
fn an_unlock_does_not_undo_a_lockdown_that_came_after_it_began() {
    let operator = with_tenant();
    let url = url(&operator);
    let _ran = operator.run(LOCK).success();
    // Both stand still at the gate's row; the login is open by then.
    let mut gate = server().superuser(&operator.tenant("acme").database);
    gate.run("BEGIN; SELECT FROM tenantctl.gate FOR UPDATE");
    let unlocking = operator.start(UNLOCK, &[]);
    until("the login to be given back", PATIENCE, || {
        if access(&operator).0 { Ok(()) } else { Err("it is stopped".to_owned()) }
    });
    let locking = operator.start(LOCK, &[]);
    until("the second lockdown's cut", PATIENCE, || {
        let cuts: i32 = operator.plane().value("SELECT max(cuts) FROM control_plane.lockdowns");
        if cuts == 2 { Ok(()) } else { Err(format!("{cuts} cuts")) }
    });
    gate.run("COMMIT");
    let unlocked = unlocking.wait().fails_with(5).json();
    assert!(unlocked["tenant"]["lock"].is_object(), "{unlocked}");
    assert_eq!(unlocked["overtaken"], "it was locked down again meanwhile, and stays so");
    let _ran = locking.wait().success();
    assert!(gate_is_locked(&operator));
    assert!(Session::at(&url).is_err());
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = operator.run(UNLOCK).success();
    assert!(Session::at(&url).is_ok());
}

/// Killed between the commit that lifts the lock and the gate: nobody gets at data while the tenant is
/// shown as locked, and the same command opens the gate under the marks of that commit.
#[test]
fn an_unlock_that_is_killed_before_the_gate_leaves_it_shut_and_goes_on() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let _ran = operator.run(LOCK).success();
    let marks = |operator: &Operator| -> (i64, f64) {
        let of = "SELECT session_epoch, extract(epoch FROM sessions_not_before)::float8 \
                  FROM control_plane.tenant_metadata WHERE slug = 'acme'";
        operator.plane().rows(of).remove(0)
    };
    let locked = marks(&operator);
    let mut gate = server().superuser(&operator.tenant("acme").database);
    gate.run("BEGIN; SELECT FROM tenantctl.gate FOR UPDATE");
    let unlocking = operator.start(UNLOCK, &[]);
    until("the lock to be lifted", PATIENCE, || {
        assert!(gate_is_locked(&operator), "the gate does not open before that");
        if operator.tenant("acme").is_locked { Err("locked".to_owned()) } else { Ok(()) }
    });
    unlocking.signal(Signal::KILL);
    let _ran = unlocking.wait().was_killed();
    gate.run("ROLLBACK");
    assert!(gate_is_locked(&operator));
    let mut app = Session::at(&url).unwrap();
    app.run(&format!("SET app.current_tenant_id = '{id}'"));
    assert!(!app.value::<bool>("SELECT tenantctl.access_allowed()"), "the data stays shut");
    let lifted = marks(&operator);
    assert!(lifted.1 > locked.1, "{lifted:?} after {locked:?}");
    let open: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.lockdowns WHERE lifted_at IS NULL");
    assert_eq!(open, 1, "what is left to do is remembered");

    let again = operator.run(UNLOCK).success().json();
    let expected = [
        ("connections", "done"),
        ("auth", "absent"),
        ("control_plane", "unchanged"),
        ("gate", "done"),
    ];
    assert_eq!(results(&again, "layers"), pairs(&expected));
    assert_eq!(marks(&operator), lifted, "who signed in since stays signed in");
    assert_open(&url, &id);
    let in_gate: f64 = server()
        .superuser(&operator.tenant("acme").database)
        .value("SELECT extract(epoch FROM sessions_not_before)::float8 FROM tenantctl.gate");
    assert!((in_gate - lifted.1).abs() < 0.001, "the gate took them: {in_gate}");
    let _ran = operator.run("audit verify").success();
}

/// Locked down again after such a kill, it is locked everywhere, and given back whole.
#[test]
fn a_lockdown_after_an_unlock_that_was_killed_locks_everything_again() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let _ran = operator.run(LOCK).success();
    let mut gate = server().superuser(&operator.tenant("acme").database);
    gate.run("BEGIN; SELECT FROM tenantctl.gate FOR UPDATE");
    let unlocking = operator.start(UNLOCK, &[]);
    until("the lock to be lifted", PATIENCE, || {
        if operator.tenant("acme").is_locked { Err("locked".to_owned()) } else { Ok(()) }
    });
    unlocking.signal(Signal::KILL);
    let _ran = unlocking.wait().was_killed();
    gate.run("ROLLBACK");
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    assert!(Session::at(&url).is_err());
    let _ran = operator.run(UNLOCK).success();
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
}

#[test]
fn a_lockdown_that_an_unlock_overtakes_says_who_and_when() {
    let operator = with_tenant();
    // It stands still at the gate's row, with the control plane cut.
    let mut gate = server().superuser(&operator.tenant("acme").database);
    gate.run("BEGIN; SELECT FROM tenantctl.gate FOR UPDATE");
    let locking = operator.start("lockdown acme --reason leaked", &[]);
    until("the lockdown's cut", PATIENCE, || {
        if operator.tenant("acme").is_locked { Ok(()) } else { Err("open".to_owned()) }
    });
    let other = ["TENANTCTL_ACTOR", "ana@example.com"];
    let unlocking = operator.start(UNLOCK, &[(other[0], other[1])]);
    until("the unlock to begin", PATIENCE, || {
        let by: Option<String> =
            operator.plane().value("SELECT max(lifting_by) FROM control_plane.lockdowns");
        if by.is_some() { Ok(()) } else { Err("it has not begun".to_owned()) }
    });
    gate.run("COMMIT");
    let _ran = unlocking.wait().success();
    let ran = locking.wait().fails_with(5);
    let said = ran.stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    let begins = "`acme` is not locked down by this: ana@example.com unlock";
    let (_, who) = said.split_once(begins).unwrap_or_else(|| panic!("{ran}"));
    let (_, when) = who.split_once(" it meanwhile, ").unwrap();
    let (at, _) = when.split_once(". LAYER").unwrap_or_else(|| panic!("{ran}"));
    let (_, instant) = at.rsplit_once(' ').unwrap();
    let parsed =
        time::OffsetDateTime::parse(instant, &time::format_description::well_known::Rfc3339);
    assert!(parsed.is_ok(), "{instant}: {ran}");
    assert!(ran.stderr().contains("Run it again to lock it."), "{ran}");
    assert!(!said.contains("not proved"), "{ran}");
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED), "run again, it locks it");
}

#[test]
fn a_tenant_unlocked_while_deleted_is_open_once_restored() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let _ran = operator.run(UNLOCK).success();
    assert!(Session::at(&url).is_err());
    let _ran = operator.run("tenant restore acme").success();
    assert!(!operator.tenant("acme").is_locked);
    assert_open(&url, &id);
    let (gate, plane): (i64, i64) = (
        server()
            .superuser(&operator.tenant("acme").database)
            .value("SELECT epoch FROM tenantctl.gate"),
        operator.plane().value("SELECT session_epoch FROM control_plane.tenant_metadata"),
    );
    assert_eq!(gate, plane, "the gate was told what it slept through");
}

#[test]
fn an_unlock_in_the_middle_of_a_restore_leaves_nothing_shut() {
    for point in ["open.before", "mark.before", "mark.after"] {
        let operator = with_tenant();
        let (url, id) = (url(&operator), operator.tenant("acme").id);
        let _ran = operator.run(LOCK).success();
        let _ran = operator.run("tenant delete acme --confirm acme").success();
        let fault = [("TENANTCTL_FAIL", &*format!("{point}:pause"))];
        let restoring = operator.start("tenant restore acme", &fault);
        restoring.wait_until_stopped();
        let _ran = operator.run(UNLOCK).success();
        restoring.signal(Signal::CONT);
        let _ran = restoring.wait().success();
        assert!(!operator.tenant("acme").is_locked, "{point}");
        assert_open(&url, &id);
    }
}

#[test]
fn a_dry_run_of_both_shows_the_plan_and_changes_nothing() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let plan = |line: &str| operator.run(&format!("{line} -o json --dry-run")).success().json();
    let lock = plan("lockdown acme --reason drill");
    let layers = ["control_plane", "gate", "auth", "connections", "probes"];
    assert_eq!(lock["plan"]["layers"], serde_json::json!(layers));
    let unlock = plan("unlock acme --reason drill");
    assert_eq!(unlock["plan"]["layers"], serde_json::json!([]), "nothing is locked");
    let _ran = operator
        .run("session issue --user 7f1c2d34-0000-4000-8000-000000000001 --tenant acme")
        .success();
    let locked: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.tenant_metadata WHERE locked_at IS NOT NULL");
    assert_eq!(locked, 0);
    let _ran = operator.run("lockdown acme --reason drill");
    let unlock = plan("unlock acme --reason drill");
    let layers = ["connections", "auth", "control_plane", "gate"];
    assert_eq!(unlock["plan"]["layers"], serde_json::json!(layers));
    let missing = operator.run("lockdown globex --reason drill --dry-run -o json");
    let _ran = missing.fails_with(4);
}

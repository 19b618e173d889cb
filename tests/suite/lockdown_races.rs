//! `lockdown` of a tenant that is being created, deleted or restored, and one that is killed.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use uuid::Uuid;

use crate::support::lockdown::{
    ALL_REFUSED, LOCK, UNLOCK, access, assert_open, gate_is_locked, pairs, results, state, url,
    with_tenant,
};
use crate::support::{Operator, PATIENCE, Session, server, until};

#[test]
fn a_deleted_tenant_comes_back_locked_and_then_whole() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = operator.run("tenant restore acme").success();
    assert!(operator.tenant("acme").is_locked);
    assert!(Session::at(&url).is_err());
    assert!(gate_is_locked(&operator));
    let _ran = operator.run(UNLOCK).success();
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
}

#[test]
fn a_tenant_that_is_being_made_can_be_locked() {
    for fault in ["place.before", "place.after", "secure.after", "activate.before"] {
        let operator = Operator::new();
        let create = "tenant create acme --name Acme --no-migrate";
        let _ran = operator.run_failing(&format!("{fault}:kill"), create).was_killed();
        let report = operator.run(LOCK).json();
        assert_eq!(report["tenant"]["status"], "provisioning", "{fault}: {report}");
        let refused = results(&report, "probes");
        assert!(refused.iter().all(|(_, result)| result != "got_in"), "{fault}: {report}");
        let _ran = operator.run(create).fails_with(5);
        let _ran = operator.run(UNLOCK).success();
        let _ran = operator.run(create).success();
        assert_open(&url(&operator), &operator.tenant("acme").id);
        operator.assert_sound();
    }
}

/// Returns who could get in: whether the login may log in, whether anybody may, and whether the
/// gate is locked where there is one.
fn openings(operator: &Operator) -> (bool, bool, Option<bool>) {
    let name = operator.tenant("acme").database;
    let mut superuser = server().superuser("postgres");
    let rows: Vec<(bool, bool)> = superuser.rows(&format!(
        "SELECT coalesce((SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'), false), \
         datallowconn FROM pg_database WHERE datname = '{name}'"
    ));
    let Some(&(can_login, is_open)) = rows.first() else { return (false, false, None) };
    let has_gate = is_open
        && server().superuser(&name).value("SELECT to_regclass('tenantctl.gate') IS NOT NULL");
    (can_login, is_open, has_gate.then(|| gate_is_locked(operator)))
}

/// A lockdown commits before it shuts the door and a create looks after opening it: whichever comes
/// last shuts it.
#[test]
fn a_create_that_a_lockdown_overtakes_leaves_nothing_open() {
    for point in ["place.after", "secure.before", "secure.after", "verify.before", "activate.after"]
    {
        let operator = Operator::new();
        let create = "tenant create acme --name Acme --no-migrate";
        let creating = operator.start(create, &[("TENANTCTL_FAIL", &format!("{point}:pause"))]);
        creating.wait_until_stopped();
        let report = operator.run(LOCK).json();
        let refused = results(&report, "probes");
        assert!(refused.iter().all(|(_, result)| result != "got_in"), "{point}: {report}");
        creating.signal(Signal::CONT);
        let created = creating.wait();
        if point == "activate.after" {
            let _ran = created.success();
            assert!(operator.tenant("acme").is_locked, "{point}");
        } else {
            let _ran = created.fails_with(5);
            assert_eq!(operator.tenant("acme").status, "provisioning", "{point}");
        }
        let (can_login, is_open, is_locked) = openings(&operator);
        assert!(!can_login, "{point}: the login is open");
        assert!(!is_open || is_locked == Some(true), "{point}: the gate is open");
        let _ran = operator.run(UNLOCK).success();
        let _ran = operator.run(create).success();
        assert_open(&url(&operator), &operator.tenant("acme").id);
        operator.assert_sound();
    }
}

#[test]
fn a_restore_that_a_lockdown_overtakes_leaves_nothing_open() {
    for point in ["open.before", "mark.before", "mark.after"] {
        let operator = with_tenant();
        let (url, id) = (url(&operator), operator.tenant("acme").id);
        let _ran = operator.run("tenant delete acme --confirm acme").success();
        let fault = [("TENANTCTL_FAIL", &*format!("{point}:pause"))];
        let restoring = operator.start("tenant restore acme", &fault);
        restoring.wait_until_stopped();
        let _ran = operator.run(LOCK).success();
        restoring.signal(Signal::CONT);
        let _ran = restoring.wait().success();
        assert!(operator.tenant("acme").is_locked, "{point}");
        assert_eq!(openings(&operator), (false, true, Some(true)), "{point}");
        let _ran = operator.run(UNLOCK).success();
        assert_open(&url, &id);
    }
}

/// The restore has read that nothing is locked, and stands still at the gate.
#[test]
fn a_lockdown_in_the_middle_of_opening_is_seen_afterwards() {
    let operator = with_tenant();
    let url = url(&operator);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let database = operator.tenant("acme").database;
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"));
    let mut gate = server().superuser(&database);
    gate.run("BEGIN; SELECT FROM tenantctl.gate FOR UPDATE");
    let restoring = operator.start("tenant restore acme", &[]);
    let waiting = |expected: i64| {
        let mut superuser = server().superuser("postgres");
        until("somebody to wait at the gate", PATIENCE, || {
            let waiting: i64 = superuser.value(&format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
                 AND wait_event_type = 'Lock'"
            ));
            if waiting >= expected { Ok(()) } else { Err(format!("{waiting} wait")) }
        });
    };
    waiting(1);
    let locking = operator.start(LOCK, &[]);
    waiting(2);
    gate.run("COMMIT");
    let _ran = restoring.wait().success();
    // Its probes may have met what the restore had opened for a moment, and then it says so.
    let code = locking.wait().code();
    assert!(code == 0 || code == 12, "{code}");
    assert!(operator.tenant("acme").is_locked);
    assert_eq!(openings(&operator), (false, true, Some(true)));
    assert!(Session::at(&url).is_err());
}

#[test]
fn killed_anywhere_it_never_opens_and_the_same_command_finishes() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    for wait in [5, 15, 25, 35, 50, 80, 150, 600] {
        let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
        let running = operator.start(LOCK, &[]);
        sleep(Duration::from_millis(wait));
        running.signal(Signal::KILL);
        let _ran = running.wait();
        let is_locked = operator.tenant("acme").is_locked;
        if is_locked {
            assert_eq!(state(&operator, &jti), "tenant_locked");
        }
        let report = operator.run(LOCK).success().json();
        assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED), "after {wait} ms");
        let running = operator.start(UNLOCK, &[]);
        sleep(Duration::from_millis(wait));
        running.signal(Signal::KILL);
        let _ran = running.wait();
        let _ran = operator.run(UNLOCK).success();
        assert_eq!(access(&operator), before, "after {wait} ms");
        assert_open(&url, &id);
    }
}

//! A command that wakes up after another has taken its operation over changes nothing.

use rustix::process::Signal;

use crate::support::faults::{
    assert_closed, assert_usable, bare_line, for_each_step, has_mine, line_with, make,
};
use crate::support::{Operator, Running, server};

/// Leaves a command suspended before `step` acts, its lock lost with the session that held it.
fn suspended(operator: &Operator, step: &str, line: &str) -> Running {
    let running = operator.start(line, &[("TENANTCTL_FAIL", &format!("{step}.before:pause"))]);
    running.wait_until_stopped();
    let ended: i64 = server().superuser("postgres").value(&format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = '{}' AND application_name LIKE 'tenantctl/%:{}'",
        operator.plane_name(),
        running.pid()
    ));
    assert!(ended >= 1, "the session that holds the lock");
    running
}

/// Ends what else a suspended command holds on the server, as a lost network would.
fn cut_off(running: &Running) {
    server().superuser("postgres").run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name LIKE 'tenantctl/%:{}'",
        running.pid()
    ));
}

/// Everything about a tenant that a process which lost its lease must not change.
fn state_of(operator: &Operator, slug: &str) -> Vec<(String, String)> {
    let database = operator.tenant(slug).database;
    let mut state: Vec<(String, String)> = operator.plane().rows(&format!(
        "SELECT 'record', t::text FROM control_plane.tenant_metadata t WHERE slug = '{slug}' \
         UNION ALL SELECT 'operation', o::text FROM control_plane.operations o \
         UNION ALL SELECT 'steps', string_agg(s::text, ' ' ORDER BY intent_at) \
           FROM control_plane.operation_steps s"
    ));
    state.extend(server().superuser("postgres").rows::<(String, String)>(&format!(
        "SELECT 'database', oid || ' ' || datallowconn || ' ' || coalesce(datacl::text, '') \
           FROM pg_database WHERE datname = '{database}' \
         UNION ALL SELECT 'login', rolpassword || ' ' || rolcanlogin FROM pg_authid \
           WHERE rolname = '{database}'"
    )));
    state
}

/// Wakes a suspended command up and expects that it fails and changes nothing.
#[track_caller]
fn assert_powerless(operator: &Operator, slug: &str, late: Running) {
    let before = state_of(operator, slug);
    late.signal(Signal::CONT);
    let ran = late.wait();
    assert_ne!(ran.code(), 0, "{ran}");
    assert_eq!(state_of(operator, slug), before, "{ran}");
}

fn create_is_taken_over(step: &str) {
    let operator = Operator::new();
    let line = line_with(step, "acme");
    let late = suspended(&operator, step, &line);
    // While the suspended one still holds the session that would act, nobody else may.
    let second = operator.run(&format!("{line} --timeout 1s"));
    if second.code() != 0 {
        let _ran = second.fails_with(5);
        cut_off(&late);
        let _ran = operator.run(&line).success();
    }
    assert_usable(&operator, "acme");
    assert_powerless(&operator, "acme", late);
    assert_usable(&operator, "acme");
    operator.assert_sound();
}

for_each_step! { create_is_taken_over:
    create_is_taken_over_at_place "place"
    create_is_taken_over_at_secure "secure"
    create_is_taken_over_at_register "register"
    create_is_taken_over_at_migrate "migrate"
    create_is_taken_over_at_seed "seed"
    create_is_taken_over_at_verify "verify"
    create_is_taken_over_at_activate "activate"
}

/// A create that wakes up when its tenant is gone for good must not make a database for it.
#[test]
fn a_create_that_wakes_up_late_does_not_make_a_database_for_a_purged_tenant() {
    let operator = Operator::new();
    let line = bare_line("acme");
    let late = suspended(&operator, "place", &line);
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    late.signal(Signal::CONT);
    assert_ne!(late.wait().code(), 0);
    operator.assert_sound();
}

fn late_delete_is_powerless(step: &str) {
    let operator = Operator::new();
    make(&operator, "acme");
    let delete = "tenant delete acme --confirm acme";
    let late = suspended(&operator, step, delete);
    let _ran = operator.run(delete).success();
    let _ran = operator.run("tenant restore acme").success();
    let mut live = operator.login("acme").unwrap();
    assert_powerless(&operator, "acme", late);
    assert!(live.is_alive(), "its application's session");
    assert_usable(&operator, "acme");
    operator.assert_sound();
}

for_each_step! { late_delete_is_powerless:
    a_delete_that_wakes_up_late_at_mark_does_not_delete_a_restored_tenant "mark"
    a_delete_that_wakes_up_late_at_close_does_not_close_a_restored_tenant "close"
}

fn late_restore_is_powerless(step: &str) {
    let operator = Operator::new();
    make(&operator, "acme");
    let delete = "tenant delete acme --confirm acme";
    let _ran = operator.run(delete).success();
    let late = suspended(&operator, step, "tenant restore acme");
    let _ran = operator.run("tenant restore acme").success();
    let _ran = operator.run(delete).success();
    assert_powerless(&operator, "acme", late);
    assert_closed(&operator, "acme");
    operator.assert_sound();
}

for_each_step! { late_restore_is_powerless:
    a_restore_that_wakes_up_late_at_open_does_not_open_a_deleted_tenant "open"
    a_restore_that_wakes_up_late_at_mark_does_not_restore_a_deleted_tenant "mark"
}

#[test]
fn a_purge_that_wakes_up_late_does_not_touch_the_next_tenant() {
    let operator = Operator::new();
    for step in ["check", "commit", "drop", "role", "tombstone"] {
        make(&operator, step);
        let _ran = operator.run(&format!("tenant delete {step} --confirm {step}")).success();
        let purge = format!("tenant purge {step} --no-backup --confirm {step}");
        let late = suspended(&operator, step, &purge);
        let _ran = operator.run(&purge).success();
        let _ran = operator.run(&bare_line(step)).success();
        assert_powerless(&operator, step, late);
        assert_usable(&operator, step);
    }
    operator.assert_sound();
}

/// A purge that lost its lock to a restore must not drop what was brought back.
#[test]
fn a_purge_that_wakes_up_late_does_not_drop_a_restored_tenant() {
    let operator = Operator::new();
    for step in ["check", "commit"] {
        make(&operator, step);
        let _ran = operator.run(&format!("tenant delete {step} --confirm {step}")).success();
        let late = suspended(
            &operator,
            step,
            &format!("tenant purge {step} --no-backup --confirm {step}"),
        );
        let _ran = operator.run(&format!("tenant restore {step}")).success();
        assert_powerless(&operator, step, late);
        assert_usable(&operator, step);
        assert!(has_mine(&operator, step));
    }
    operator.assert_sound();
}

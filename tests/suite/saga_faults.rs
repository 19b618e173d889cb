//! Killed or failed before and after every step, then the same command again: exactly one of
//! everything, and nothing left over.

use std::time::Duration;

use rustix::process::Signal;
use uuid::Uuid;

use crate::support::{Operator, Running, server};

/// Where and how each step is struck.
const STRIKES: [(&str, &str); 4] =
    [("before", "kill"), ("after", "kill"), ("before", "err"), ("after", "err")];

/// A user no real one is.
const USER: &str = "00000000-0000-4000-8000-000000000001";

/// Runs `line` with a fault at each moment of `step`, for a slug of its own each time, and then
/// once more without.
fn strike(operator: &Operator, step: &str, slug: &str, moment: &str, how: &str, line: &str) {
    let broken = operator.run_failing(&format!("{step}.{moment}:{how}"), line);
    if how == "kill" {
        let _ran = broken.was_killed();
    } else {
        assert_ne!(broken.code(), 0, "{broken}");
        // The one commit point may be behind it: then there is nothing to note it on.
        let noted: Vec<(Option<String>,)> = operator.plane().rows(&format!(
            "SELECT last_error FROM control_plane.operations o \
             JOIN control_plane.tenant_metadata t USING (tenant_id) \
             WHERE slug = '{slug}' AND finished_at IS NULL"
        ));
        for (error,) in noted {
            assert!(error.is_some_and(|error| error.starts_with(step)), "a note of {step}");
        }
    }
}

/// Returns the command that creates a tenant with everything.
fn create_line(slug: &str) -> String {
    format!("{} --seed", migrated_line(slug))
}

/// Returns the one without sample data.
fn migrated_line(slug: &str) -> String {
    format!("tenant create {slug} --name 'Acme Ltd'")
}

/// Returns the one that makes the database, its login and its gate: what deleting is about.
fn bare_line(slug: &str) -> String {
    format!("{} --no-migrate", migrated_line(slug))
}

/// Returns the shortest one that has the step.
fn line_with(step: &str, slug: &str) -> String {
    match step {
        "seed" => create_line(slug),
        "migrate" | "verify" | "activate" => migrated_line(slug),
        _ => bare_line(slug),
    }
}

/// Creates a tenant whose database holds something of its own.
fn make(operator: &Operator, slug: &str) {
    let _ran = operator.run(&bare_line(slug)).success();
    operator.inside(slug).run("CREATE TABLE public.mine AS SELECT 42 AS answer");
}

/// Whether what `make` put there is there.
fn has_mine(operator: &Operator, slug: &str) -> bool {
    operator.inside(slug).value("SELECT to_regclass('public.mine') IS NOT NULL")
}

/// What is in a tenant's database that a second run could have doubled or lost.
fn contents(operator: &Operator, slug: &str) -> Vec<(String, i64)> {
    operator.inside(slug).rows(
        "SELECT 'migrations', count(*) FROM tenantctl.schema_history \
         UNION ALL SELECT 'gate', count(*) FROM tenantctl.gate_history \
         UNION ALL SELECT 'identity', count(*) FROM tenantctl.identity \
         UNION ALL SELECT 'vendors', count(*) FROM vendors \
         UNION ALL SELECT 'products', count(*) FROM products \
         UNION ALL SELECT 'sales orders', count(*) FROM sales_orders \
         UNION ALL SELECT 'forced', count(*) FROM pg_class \
           WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND relforcerowsecurity",
    )
}

/// The tenant can be used, by its application and by nobody else.
#[track_caller]
fn assert_usable(operator: &Operator, slug: &str) {
    let tenant = operator.tenant(slug);
    assert_eq!(tenant.status, "active");
    let mut login = operator.login(slug).unwrap();
    assert!(login.value::<bool>("SELECT tenantctl.access_allowed()"));
    let is_public: bool =
        login.value("SELECT has_database_privilege('public', current_database(), 'CONNECT')");
    assert!(!is_public, "PUBLIC may connect to {slug}");
}

/// The tenant's database lets nobody in.
#[track_caller]
fn assert_closed(operator: &Operator, slug: &str) {
    let database = operator.tenant(slug).database;
    let doors: Vec<(bool, bool)> = server().operator("postgres").rows(&format!(
        "SELECT datallowconn, rolcanlogin FROM pg_database JOIN pg_roles ON rolname = datname \
         WHERE datname = '{database}'"
    ));
    assert_eq!(doors, [(false, false)], "{slug}: connections allowed, login allowed");
}

fn create_survives(step: &str) {
    let operator = Operator::new();
    // What was struck late is compared in full; a seed is the costly part of it.
    let line = |slug: &str| match step {
        "seed" => create_line(slug),
        _ => migrated_line(slug),
    };
    let _ran = operator.run(&line("clean")).success();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        strike(&operator, step, &slug, moment, how, &line(&slug));
        let again = operator.run(&format!("-o json {}", line(&slug))).success().json();
        let is_behind = step == "activate" && moment == "after";
        let outcome = if is_behind { "already_there" } else { "continued" };
        assert_eq!(again["outcome"], outcome, "{slug}");
        assert_usable(&operator, &slug);
        assert_eq!(contents(&operator, &slug), contents(&operator, "clean"), "{slug}");
    }
    operator.assert_sound();
}

macro_rules! for_each_step {
    ($survives:ident: $($name:ident $step:literal)*) => {$(
        #[test]
        fn $name() {
            $survives($step);
        }
    )*};
}

for_each_step! { create_survives:
    create_is_struck_at_place "place"
    create_is_struck_at_secure "secure"
    create_is_struck_at_register "register"
    create_is_struck_at_migrate "migrate"
    create_is_struck_at_seed "seed"
    create_is_struck_at_verify "verify"
    create_is_struck_at_activate "activate"
}

fn delete_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let jti = issue(&operator, &slug);
        let line = format!("tenant delete {slug} --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenant(&slug).status, "deleted");
        assert_closed(&operator, &slug);
        let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    }
    operator.assert_sound();
}

for_each_step! { delete_survives:
    delete_is_struck_at_mark "mark"
    delete_is_struck_at_close "close"
}

fn restore_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let jti = issue(&operator, &slug);
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
        let line = format!("tenant restore {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_usable(&operator, &slug);
        assert!(has_mine(&operator, &slug));
        let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    }
    operator.assert_sound();
}

for_each_step! { restore_survives:
    restore_is_struck_at_open "open"
    restore_is_struck_at_mark "mark"
}

fn purge_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
        let line = format!("tenant purge {slug} --no-backup --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenants(&slug)[0].status, "purged");
        assert_next_is_empty(&operator, &slug);
    }
    operator.assert_sound();
}

for_each_step! { purge_survives:
    purge_is_struck_at_check "check"
    purge_is_struck_at_commit "commit"
    purge_is_struck_at_drop "drop"
    purge_is_struck_at_role "role"
    purge_is_struck_at_tombstone "tombstone"
}

/// Deleting and destroying in one go is one command, and that command continues what it began.
fn delete_and_purge_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let line = format!("tenant delete {slug} --purge --no-backup --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenants(&slug)[0].status, "purged");
    }
    operator.assert_sound();
}

for_each_step! { delete_and_purge_survives:
    delete_and_purge_is_struck_at_mark "mark"
    delete_and_purge_is_struck_at_close "close"
    delete_and_purge_is_struck_at_check "check"
    delete_and_purge_is_struck_at_commit "commit"
    delete_and_purge_is_struck_at_drop "drop"
    delete_and_purge_is_struck_at_role "role"
    delete_and_purge_is_struck_at_tombstone "tombstone"
}

/// A create that nobody wants to continue is given up by `delete`, wherever it stopped.
#[test]
fn what_a_killed_create_left_can_be_deleted_and_purged() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "seed", "verify", "activate"] {
        for moment in ["before", "after"] {
            let slug = format!("{step}-{moment}");
            let fault = format!("{step}.{moment}:kill");
            let _ran = operator.run_failing(&fault, &line_with(step, &slug)).was_killed();
            let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
            let _ran = operator
                .run(&format!("tenant purge {slug} --no-backup --confirm {slug}"))
                .success();
        }
    }
    operator.assert_sound();
    assert_next_is_empty(&operator, "migrate-after");
    operator.assert_sound();
}

/// Deleted and restored in between, a create is still continued by the same command.
#[test]
fn a_killed_create_that_was_deleted_and_restored_is_continued() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "verify"] {
        for moment in ["before", "after"] {
            let slug = format!("{step}-{moment}");
            let fault = format!("{step}.{moment}:kill");
            let _ran = operator.run_failing(&fault, &line_with(step, &slug)).was_killed();
            let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
            let _ran = operator.run(&format!("tenant restore {slug}")).success();
            assert_eq!(operator.tenant(&slug).status, "provisioning");
            let _ran = operator.run(&line_with(step, &slug)).success();
            assert_usable(&operator, &slug);
        }
    }
    operator.assert_sound();
}

#[test]
fn struck_again_and_again_it_still_ends_well() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "seed", "verify", "activate"] {
        for moment in ["before", "before", "after", "after"] {
            let fault = format!("{step}.{moment}:kill");
            let ran = operator.run_failing(&fault, &create_line("acme"));
            if step == "activate" && ran.stdout().contains("there already") {
                continue;
            }
            let _ran = ran.was_killed();
        }
    }
    let _ran = operator.run(&create_line("acme")).success();
    assert_usable(&operator, "acme");
    let _ran = operator.run(&create_line("clean")).success();
    assert_eq!(contents(&operator, "acme"), contents(&operator, "clean"));
    operator.assert_sound();
}

/// `CREATE DATABASE` outlives a client that is killed: the next one must neither trip over it nor
/// make a second.
#[test]
fn killed_at_any_moment_and_run_again_at_once() {
    let operator = Operator::new();
    for round in 0..16 {
        let slug = format!("round-{round}");
        let running = operator.start(&create_line(&slug), &[]);
        let moment = std::time::Instant::now() + Duration::from_millis(20 * round);
        // The moment is what is varied; whether the command is through by then does not matter.
        while std::time::Instant::now() < moment {
            std::thread::yield_now();
        }
        running.signal(Signal::KILL);
        let _ran = running.wait();
        let _ran = operator.run(&create_line(&slug)).success();
        assert_usable(&operator, &slug);
    }
    operator.assert_sound();
}

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

fn issue(operator: &Operator, slug: &str) -> String {
    let line = format!("-o json session issue --user {USER} --tenant {slug}");
    let jti = operator.run(&line).success().json()["session"]["jti"].clone();
    let jti = jti.as_str().unwrap().to_owned();
    let _ran = operator.run(&format!("session check {jti}")).success();
    jti
}

/// The slug is free, and whoever gets it next starts from nothing.
#[track_caller]
fn assert_next_is_empty(operator: &Operator, slug: &str) {
    let purged = operator.tenants(slug);
    let _ran = operator.run(&bare_line(slug)).success();
    let next = operator.tenant(slug);
    assert!(purged.iter().all(|old| old.id != next.id && old.database != next.database));
    assert!(next.id.parse::<Uuid>().is_ok());
    assert!(!has_mine(operator, slug));
}

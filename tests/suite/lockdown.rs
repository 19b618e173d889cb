//! `lockdown` and `unlock`: cut at every layer, tried out, and given back exactly.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Operator, PATIENCE, Session, server, until};

pub(crate) const LOCK: &str = "-o json lockdown acme --reason 'token leaked'";
pub(crate) const UNLOCK: &str = "-o json --yes unlock acme --reason 'keys rotated'";

fn with_tenant() -> Operator {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    operator
}

pub(crate) fn issue(operator: &Operator, user: &str) -> String {
    let ran = operator.run(&format!("-o json session issue --user {user} --tenant acme")).success();
    ran.json()["session"]["jti"].as_str().unwrap().to_owned()
}

fn url(operator: &Operator) -> String {
    operator.run("tenant url acme --reveal").success().stdout().trim().to_owned()
}

/// Returns the result of each probe or layer, by its word.
pub(crate) fn results(document: &Value, of: &str) -> Vec<(String, String)> {
    let word = if of == "probes" { "probe" } else { "layer" };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = document[of].as_array().unwrap();
    lines.iter().map(|line| (text(&line[word]), text(&line["result"]))).collect()
}

pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

pub(crate) const ALL_REFUSED: [(&str, &str); 3] =
    [("session", "refused"), ("gate", "refused"), ("login", "refused")];

/// Everything about access that a lockdown touches and an unlock has to give back.
fn access(operator: &Operator) -> (bool, i32, bool, i32, String) {
    let name = operator.tenant("acme").database;
    server()
        .superuser("postgres")
        .rows(&format!(
            "SELECT r.rolcanlogin, r.rolconnlimit, d.datallowconn, d.datconnlimit, d.datacl::text \
             FROM pg_roles r, pg_database d WHERE r.rolname = '{name}' AND d.datname = '{name}'"
        ))
        .remove(0)
}

fn gate_is_locked(operator: &Operator) -> bool {
    server().superuser(&operator.tenant("acme").database).value("SELECT locked FROM tenantctl.gate")
}

pub(crate) fn state(operator: &Operator, jti: &str) -> String {
    operator.plane().value(&format!("SELECT control_plane.session_state('{jti}')"))
}

/// Asserts that the application works: it logs in and the gate lets it through.
fn assert_open(url: &str, id: &str) {
    let mut app = Session::at(url).unwrap();
    app.run(&format!("SET app.current_tenant_id = '{id}'"));
    assert!(app.value::<bool>("SELECT tenantctl.access_allowed()"));
}

#[test]
fn a_tenant_is_cut_off_proved_and_given_back() {
    let operator = with_tenant();
    let user = Uuid::new_v4().to_string();
    let jti = issue(&operator, &user);
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let mut app = Session::at(&url).unwrap();

    let ran = operator.run(LOCK).success();
    let report = ran.json();
    assert_eq!(report["proven"], true);
    assert_eq!(report["tenant"]["status"], "locked");
    assert_eq!(
        results(&report, "layers"),
        pairs(&[
            ("control_plane", "done"),
            ("gate", "done"),
            ("auth", "absent"),
            ("connections", "done")
        ])
    );
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    for probe in report["probes"].as_array().unwrap() {
        assert!(probe["seconds_to_deny"].as_f64().unwrap() > 0.0);
    }
    assert!(!app.is_alive(), "open connections are ended");
    assert!(Session::at(&url).err().unwrap().starts_with("28000"));
    assert_eq!(state(&operator, &jti), "tenant_locked");
    assert!(gate_is_locked(&operator));
    let line = format!("session issue --user {user} --tenant acme");
    let _ran = operator.run(&line).fails_with(5);

    // Twice is harmless, and does not forget what there was before.
    let again = operator.run(LOCK).success().json();
    assert_eq!(results(&again, "probes"), pairs(&ALL_REFUSED));
    let opened = operator.run(UNLOCK).success().json();
    assert_eq!(opened["changed"], true);
    assert_eq!(opened["tenant"]["status"], "active");
    let last = opened["layers"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["layer"], "control_plane", "it comes last");
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
    assert_eq!(state(&operator, &jti), "tenant_revoked", "old sessions stay dead");
    assert_eq!(state(&operator, &issue(&operator, &user)), "valid");
    let nothing = operator.run(UNLOCK).success().json();
    assert_eq!(nothing["changed"], false);
    let trail: Vec<(String, String, String)> = operator.plane().rows(
        "SELECT action, outcome, reason FROM control_plane.policy_sync_log \
         WHERE action IN ('tenant.lockdown', 'tenant.unlock') ORDER BY id",
    );
    let row = |action: &str, outcome: &str, reason: &str| {
        (format!("tenant.{action}"), outcome.to_owned(), reason.to_owned())
    };
    assert_eq!(
        trail,
        [
            row("lockdown", "intent", "token leaked"),
            row("lockdown", "done", "token leaked"),
            row("lockdown", "intent", "token leaked"),
            row("lockdown", "done", "token leaked"),
            row("unlock", "intent", "keys rotated"),
            row("unlock", "done", "keys rotated"),
        ]
    );
    operator.assert_sound();
}

/// Whoever has seen that the lockdown is committed gets nothing any more, however fast they ask.
#[test]
fn clients_in_a_loop_get_nothing_through() {
    let operator = with_tenant();
    let jti = issue(&operator, &Uuid::new_v4().to_string());
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let (is_over, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    let database = operator.tenant("acme").database;
    scope(|threads| {
        let checkers: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    let mut plane = operator.plane();
                    let (mut before, mut after, mut through) = (0_u32, 0_u32, 0_u32);
                    while !is_over.load(Ordering::SeqCst) {
                        let is_locked: bool = plane.value(
                            "SELECT locked_at IS NOT NULL FROM control_plane.tenant_metadata",
                        );
                        let is_valid: bool =
                            plane.value(&format!("SELECT control_plane.is_session_valid('{jti}')"));
                        match (is_locked, is_valid) {
                            (false, _) => before += 1,
                            (true, false) => after += 1,
                            (true, true) => through += 1,
                        }
                    }
                    (before, after, through)
                })
            })
            .collect();
        let application = threads.spawn(|| {
            let (mut before, mut through) = (0_u32, 0_u32);
            while !is_over.load(Ordering::SeqCst) {
                let was_done = is_done.load(Ordering::SeqCst);
                if let Ok(mut app) = Session::at(&url) {
                    for _ in 0..20 {
                        let asked = app.attempt(&format!(
                            "SET app.current_tenant_id = '{id}'; SELECT 1 / \
                             tenantctl.access_allowed()::int"
                        ));
                        match (asked.is_ok(), was_done) {
                            (true, true) => through += 1,
                            (true, false) => before += 1,
                            (false, _) => break,
                        }
                    }
                }
            }
            (before, through)
        });
        sleep(Duration::from_millis(300));
        let report = operator.run(LOCK).success().json();
        is_done.store(true, Ordering::SeqCst);
        assert_eq!(report["proven"], true);
        sleep(Duration::from_millis(300));
        is_over.store(true, Ordering::SeqCst);
        for checker in checkers {
            let (before, after, through) = checker.join().unwrap();
            assert!(before > 0 && after > 0, "{before} {after}");
            assert_eq!(through, 0, "requests that passed after the commit");
        }
        let (before, through) = application.join().unwrap();
        assert!(before > 0);
        assert_eq!(through, 0, "statements that passed after the report");
    });
    let left: i64 = server()
        .superuser("postgres")
        .value(&format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{database}'"));
    assert_eq!(left, 0);
}

/// Reads a slot's changes as the operator, by the protocol itself: the programs that do are not
/// everywhere that a server is.
fn read_changes(database: &str, slot: &str) -> UnixStream {
    let mut stream = UnixStream::connect(server().socket().join(".s.PGSQL.5432")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let startup = format!("user\0operator\0database\0{database}\0replication\0database\0\0");
    let length = u32::try_from(startup.len() + 8).unwrap();
    stream
        .write_all(&[&length.to_be_bytes()[..], &[0, 3, 0, 0], startup.as_bytes()].concat())
        .unwrap();
    let ask = format!(
        "START_REPLICATION SLOT {slot} LOGICAL 0/0 (proto_version '1', publication_names 'nothing')\0"
    );
    let length = u32::try_from(ask.len() + 4).unwrap();
    stream.write_all(&[b"Q", &length.to_be_bytes()[..], ask.as_bytes()].concat()).unwrap();
    stream
}

/// What outlives the session that made it.
#[test]
fn prepared_transactions_are_rolled_back_and_replication_is_ended_and_named() {
    let operator = with_tenant();
    let (url, name) = (url(&operator), operator.tenant("acme").database);
    let mut superuser = server().superuser(&name);
    let memberships = format!(
        "SELECT member::regrole, grantor::regrole, admin_option FROM pg_auth_members \
         WHERE roleid = '{name}'::regrole ORDER BY 1, 2"
    );
    let before = superuser.ask(&memberships);
    // Without it the reader would end by itself at the first change.
    superuser.run("CREATE PUBLICATION nothing");
    superuser.run("CREATE TABLE public.written (by text); GRANT ALL ON public.written TO PUBLIC");
    let slot = format!("slot_{}", &name[name.len() - 8..]);
    superuser.run(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"));
    let mut app = Session::at(&url).unwrap();
    app.run(&format!("BEGIN; INSERT INTO written VALUES ('app'); PREPARE TRANSACTION '{name}'"));
    superuser.run(&format!(
        "BEGIN; INSERT INTO written VALUES ('dba'); PREPARE TRANSACTION 'other {name}'"
    ));
    let mut reader = read_changes(&name, &slot);
    until("the slot to be read", PATIENCE, || {
        let is_read: bool = superuser
            .value(&format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'"));
        if is_read { Ok(()) } else { Err("nobody reads it".to_owned()) }
    });

    let report = operator.run(LOCK).success().json();
    let detail = report["layers"][3]["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        format!(
            "login refused, 2 sessions ended, 1 of its prepared transactions rolled back, the prepared \
             transaction `other {name}` stays: only `postgres` or a superuser may end it, the \
             replication slot `{slot}` stays, and nobody reads it"
        )
    );
    // What the server still says, and then the end; a timeout would be an error.
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    let left: Vec<(String,)> =
        superuser.rows(&format!("SELECT gid FROM pg_prepared_xacts WHERE database = '{name}'"));
    assert_eq!(left, [(format!("other {name}"),)]);
    // From 16 on, whoever made a role is a member of it, and of nothing more afterwards than before.
    assert_eq!(superuser.ask(&memberships), before, "the operator left the login again");
    superuser.run(&format!("ROLLBACK PREPARED 'other {name}'"));
    superuser.run(&format!("SELECT pg_drop_replication_slot('{slot}')"));
}

#[test]
fn logins_race_a_lockdown_and_none_is_valid_afterwards() {
    let operator = with_tenant();
    let id = operator.tenant("acme").id;
    let is_over = AtomicBool::new(false);
    let recorded: u32 = scope(|threads| {
        let logins: Vec<_> = (0..6)
            .map(|_| {
                threads.spawn(|| {
                    let mut plane = operator.plane();
                    let mut recorded = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        let issued: Vec<(bool,)> = plane.rows(&format!(
                            "SELECT true FROM control_plane.record_session( \
                             gen_random_uuid()::text, gen_random_uuid(), '{id}', '1 h', NULL, NULL, \
                             '{{}}')"
                        ));
                        recorded += u32::try_from(issued.len()).unwrap();
                    }
                    recorded
                })
            })
            .collect();
        sleep(Duration::from_millis(1500));
        let _ran = operator.run(LOCK).success();
        is_over.store(true, Ordering::SeqCst);
        logins.into_iter().map(|login| login.join().unwrap()).sum()
    });
    assert!(recorded > 100, "{recorded}");
    let valid: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.session_states WHERE state <> 'tenant_locked'");
    assert_eq!(valid, 0, "of {recorded}");
    let _ran = operator.run(UNLOCK).success();
    let valid: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.session_states WHERE state = 'valid'");
    assert_eq!(valid, 0, "of {recorded}");
}

#[test]
fn a_gate_that_does_not_hold_is_named() {
    let operator = with_tenant();
    server().superuser(&operator.tenant("acme").database).run(
        "CREATE FUNCTION tenantctl.sabotage() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN NEW.locked := false; RETURN NEW; END $$; \
         CREATE TRIGGER zz BEFORE UPDATE ON tenantctl.gate FOR EACH ROW \
         EXECUTE FUNCTION tenantctl.sabotage()",
    );
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(report["proven"], false);
    assert_eq!(results(&report, "layers")[1], ("gate".to_owned(), "failed".to_owned()));
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "got_in"), ("login", "refused")])
    );
    server().superuser(&operator.tenant("acme").database).run("DROP TRIGGER zz ON tenantctl.gate");
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
}

#[test]
fn a_judgement_that_says_yes_is_named() {
    for has_session in [true, false] {
        let operator = with_tenant();
        if has_session {
            issue(&operator, &Uuid::new_v4().to_string());
        }
        operator.plane().run(
            "CREATE OR REPLACE FUNCTION control_plane.session_state(session_jti text) RETURNS text \
             LANGUAGE sql AS $$ SELECT 'valid' $$; \
             CREATE OR REPLACE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text \
             LANGUAGE sql AS $$ SELECT 'valid' $$",
        );
        let report = operator.run(LOCK).fails_with(12).json();
        assert_eq!(
            results(&report, "probes"),
            pairs(&[("session", "got_in"), ("gate", "refused"), ("login", "refused")])
        );
    }
}

#[test]
fn a_login_that_comes_back_is_named() {
    let operator = with_tenant();
    let name = operator.tenant("acme").database;
    let report = scope(|threads| {
        threads.spawn(|| {
            let mut superuser = server().superuser("postgres");
            until("the login to be stopped", PATIENCE, || {
                let can: bool = superuser
                    .value(&format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'"));
                if can { Err("it may log in".to_owned()) } else { Ok(()) }
            });
            superuser.run(&format!("ALTER ROLE {name} LOGIN"));
        });
        operator.run(LOCK).fails_with(12).json()
    });
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "refused"), ("login", "got_in")])
    );
}

#[test]
fn a_login_nobody_can_try_is_not_proved() {
    let operator = with_tenant().without("TENANTCTL_SECRET_KEY_FILE");
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "refused"), ("login", "could_not_run")])
    );
    assert_eq!(report["tenant"]["status"], "locked");
    let text = operator.run("lockdown acme --reason r").fails_with(12);
    assert!(text.stdout().contains("could not run"), "{text}");
}

#[test]
fn a_tenant_whose_server_is_down_is_cut_where_it_can_be() {
    let operator = with_tenant();
    let jti = issue(&operator, &Uuid::new_v4().to_string());
    let nowhere = "postgresql://operator@/postgres?host=/nonexistent&port=5432";
    let down = operator.with("TENANTCTL_CLUSTER_URL", nowhere);
    let report = down.run(LOCK).fails_with(12).json();
    assert_eq!(
        results(&report, "layers"),
        pairs(&[
            ("control_plane", "done"),
            ("gate", "failed"),
            ("auth", "absent"),
            ("connections", "failed")
        ])
    );
    assert_eq!(results(&report, "probes")[0], ("session".to_owned(), "refused".to_owned()));
    assert_eq!(results(&report, "probes")[1], ("gate".to_owned(), "could_not_run".to_owned()));
    assert_eq!(state(&down, &jti), "tenant_locked");
    // Nothing is given back while it cannot be given back whole.
    let ran = down.run(UNLOCK).fails_with(8).json();
    assert_eq!(ran["tenant"]["status"], "locked");
    let up = down.without("TENANTCTL_CLUSTER_URL");
    let report = up.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = up.run(UNLOCK).success();
    assert_open(&url(&up), &up.tenant("acme").id);
}

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
fn many_at_once_are_as_good_as_one() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let run = |line: &str| {
        let started: Vec<_> = (0..4).map(|_| operator.start(line, &[])).collect();
        started.into_iter().map(|running| running.wait().success().json()).collect::<Vec<_>>()
    };
    for report in run(LOCK) {
        assert_eq!(report["proven"], true, "{report}");
    }
    for report in run(UNLOCK) {
        assert_eq!(report["tenant"]["status"], "active", "{report}");
    }
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
    operator.assert_sound();
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
    let unlocked = unlocking.wait().fails_with(8).json();
    assert_eq!(unlocked["tenant"]["status"], "locked");
    // Its probes may have met what the unlock had opened for a moment, and then it says so.
    let code = locking.wait().code();
    assert!(code == 0 || code == 12, "{code}");
    assert!(gate_is_locked(&operator));
    assert!(Session::at(&url).is_err());
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = operator.run(UNLOCK).success();
    assert!(Session::at(&url).is_ok());
}

#[test]
fn the_cut_does_not_wait_for_the_audit_trail() {
    let operator = with_tenant();
    let jti = issue(&operator, &Uuid::new_v4().to_string());
    let mut stuck = operator.plane();
    stuck.run("BEGIN; SELECT FROM control_plane.policy_sync_head FOR UPDATE");
    let running = operator.start(LOCK, &[]);
    until("the session to be refused", Duration::from_secs(8), || {
        let state = state(&operator, &jti);
        if state == "tenant_locked" { Ok(()) } else { Err(state) }
    });
    stuck.run("COMMIT");
    let report = running.wait().success().json();
    assert_eq!(report["proven"], true);
    operator.assert_sound();
}

#[test]
fn a_deleted_tenant_comes_back_locked_and_then_whole() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = operator.run("tenant restore acme").success();
    assert_eq!(operator.tenant("acme").status, "locked");
    assert!(Session::at(&url).is_err());
    assert!(gate_is_locked(&operator));
    let _ran = operator.run(UNLOCK).success();
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
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
    assert_eq!(operator.tenant("acme").status, "active");
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
            assert_eq!(operator.tenant("acme").status, "locked", "{point}");
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
        assert_eq!(operator.tenant("acme").status, "locked", "{point}");
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
    assert_eq!(operator.tenant("acme").status, "locked");
    assert_eq!(openings(&operator), (false, true, Some(true)));
    assert!(Session::at(&url).is_err());
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
        assert_eq!(operator.tenant("acme").status, "active", "{point}");
        assert_open(&url, &id);
    }
}

#[test]
fn killed_anywhere_it_never_opens_and_the_same_command_finishes() {
    let operator = with_tenant();
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    for wait in [5, 15, 25, 35, 50, 80, 150, 600] {
        let jti = issue(&operator, &Uuid::new_v4().to_string());
        let running = operator.start(LOCK, &[]);
        sleep(Duration::from_millis(wait));
        running.signal(Signal::KILL);
        let _ran = running.wait();
        let is_locked = operator.tenant("acme").status == "locked";
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

#[test]
fn auth_bans_sweeps_twice_and_gives_back_what_was() {
    let operator = Operator::beside_auth();
    for slug in ["acme", "globex"] {
        let _ran =
            operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    }
    let ids: Vec<_> = (0..4).map(|_| Uuid::new_v4().to_string()).collect();
    let [mapped, named, timed, stranger] = &ids[..] else { unreachable!() };
    let metadata = json!({ "tenant_id": operator.tenant("acme").id }).to_string();
    for (user, metadata) in
        [(mapped, "{}"), (named, &metadata), (timed, &metadata), (stranger, "{}")]
    {
        operator.sign_up(user, metadata);
    }
    issue(&operator, mapped);
    let mut plane = operator.plane();
    // Revoked here once and never a member: no lockdown's business.
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, is_member) \
         VALUES ('{stranger}', '{}', false)",
        operator.tenant("acme").id
    ));
    plane.run(&format!(
        "UPDATE auth.users SET banned_until = '2099-01-01Z' WHERE id = '{timed}'; \
         INSERT INTO auth.sessions (id, user_id) SELECT gen_random_uuid(), id FROM auth.users; \
         INSERT INTO auth.refresh_tokens (user_id, session_id) SELECT user_id, id FROM auth.sessions; \
         INSERT INTO auth.flow_state (id, user_id) SELECT gen_random_uuid(), id FROM auth.users; \
         INSERT INTO auth.one_time_tokens (id, user_id) SELECT gen_random_uuid(), id FROM auth.users"
    ));
    let report = scope(|threads| {
        // A sign-in that was under way when the ban was written.
        threads.spawn(|| {
            let mut plane = operator.plane();
            until("the first sweep", PATIENCE, || {
                let left: i64 = plane.value(&format!(
                    "SELECT count(*) FROM auth.one_time_tokens WHERE user_id = '{named}'"
                ));
                if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
            });
            plane.run(&format!(
                "INSERT INTO auth.sessions (id, user_id) VALUES (gen_random_uuid(), '{named}')"
            ));
        });
        operator.run(LOCK).success().json()
    });
    let auth = &report["layers"][2];
    assert_eq!(auth["detail"], "3 users banned, 3 sessions deleted, 1 more in the second sweep");
    for table in ["sessions", "refresh_tokens", "flow_state", "one_time_tokens"] {
        let left: Vec<(String,)> = plane.rows(&format!("SELECT user_id::text FROM auth.{table}"));
        assert_eq!(left, [(stranger.clone(),)], "{table}");
    }
    let banned = "SELECT count(*) FROM auth.users WHERE banned_until > now() + interval '99 years'";
    assert_eq!(plane.value::<i64>(banned), 3);
    // Who also belongs to another tenant that is locked stays banned until that is lifted.
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
         SELECT '{mapped}', tenant_id FROM control_plane.tenant_metadata WHERE slug = 'globex'"
    ));
    let _ran = operator.run("lockdown globex --reason r").success();
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run(UNLOCK).success();
    let until = |plane: &mut Session, user: &str| -> Option<String> {
        plane.value(&format!(
            "SELECT CASE WHEN banned_until > now() + interval '99 years' THEN 'for ever' \
             ELSE extract(year FROM banned_until)::text END FROM auth.users WHERE id = '{user}'"
        ))
    };
    assert_eq!(until(&mut plane, named), None);
    assert_eq!(until(&mut plane, timed).as_deref(), Some("2099"));
    assert_eq!(until(&mut plane, mapped).as_deref(), Some("for ever"));
    let _ran = operator.run("--yes unlock globex --reason r").success();
    assert_eq!(until(&mut plane, mapped), None);
}

#[test]
fn auth_without_access_is_named() {
    let operator = Operator::beside_auth();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    server().superuser(operator.plane_name()).run("REVOKE ALL ON auth.users FROM operator");
    let metadata = json!({ "tenant_id": operator.tenant("acme").id });
    server().superuser(operator.plane_name()).run(&format!(
        "INSERT INTO auth.users (id, raw_app_meta_data) VALUES (gen_random_uuid(), '{metadata}')"
    ));
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(results(&report, "layers")[2], ("auth".to_owned(), "failed".to_owned()));
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    assert_eq!(report["tenant"]["status"], "locked");
}

//! `lockdown`: cut at every layer, whatever goes on meanwhile.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use uuid::Uuid;

use crate::support::lockdown::{
    ALL_REFUSED, LOCK, UNLOCK, access, assert_open, gate_is_locked, pairs, results, state, url,
    with_tenant,
};
use crate::support::{PATIENCE, Session, server, until};

#[test]
fn a_tenant_is_cut_off_proved_and_given_back() {
    let operator = with_tenant();
    let user = Uuid::new_v4().to_string();
    let jti = operator.issue(&user, "acme");
    let (url, id) = (url(&operator), operator.tenant("acme").id);
    let before = access(&operator);
    let mut app = Session::at(&url).unwrap();

    let ran = operator.run(LOCK).success();
    let report = ran.json();
    assert_eq!(report["proven"], true);
    assert!(report["tenant"]["lock"].is_object(), "{report}");
    assert_eq!(
        results(&report, "layers"),
        pairs(&[
            ("control_plane", "done"),
            ("gate", "done"),
            ("auth", "not_covered"),
            ("connections", "done")
        ])
    );
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    for probe in report["probes"].as_array().unwrap() {
        assert!(probe["after_ms"].as_u64().unwrap() > 0, "whole milliseconds: {probe}");
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
    assert_eq!(opened["tenant"]["lock"], serde_json::Value::Null);
    let last = opened["layers"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["layer"], "gate", "it comes last");
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
    assert_eq!(state(&operator, &jti), "tenant_revoked", "old sessions stay dead");
    assert_eq!(state(&operator, &operator.issue(&user, "acme")), "valid");
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
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
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
    superuser.run(
        "CREATE TABLE public.written (by text); \
         ALTER TABLE public.written ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY all_rows ON public.written USING (true); \
         CREATE POLICY gate_open ON public.written AS RESTRICTIVE \
         USING ((SELECT tenantctl.access_allowed())); \
         GRANT SELECT, INSERT ON public.written TO tenantctl_app",
    );
    let slot = format!("slot_{}", &name[name.len() - 8..]);
    superuser.run(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"));
    let mut app = Session::at(&url).unwrap();
    let id = operator.tenant("acme").id;
    app.run(&format!("SET app.current_tenant_id = '{id}'"));
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
             replication slot `{slot}` stays, and no session reads it"
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

/// Up to Postgres 17 a session is in no list before its start is over, and its client says how long
/// that takes: by the time it is listed, the lockdown may be over. Any signal cuts the delay short
/// (such as the barrier of another test's DROP DATABASE), so the login may also come in while the
/// lockdown still sweeps; then it has to be ended before the lockdown is over.
#[test]
fn a_login_on_its_way_is_ended() {
    let operator = with_tenant();
    let slow = format!("{}&options=-c%20post_auth_delay%3D8", url(&operator));
    let name = operator.tenant("acme").database;
    let is_locked = AtomicBool::new(false);
    let worked_afterwards = scope(|threads| {
        let login = threads.spawn(|| {
            let Ok(mut session) = Session::at(&slow) else { return false };
            loop {
                let begins_afterwards = is_locked.load(Ordering::SeqCst);
                if session.attempt("SELECT 1").is_err() {
                    return false;
                }
                if begins_afterwards {
                    return true;
                }
            }
        });
        let mut superuser = server().superuser("postgres");
        until("the login to pass its check", PATIENCE, || {
            let is_on_its_way: bool = superuser.value(&format!(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.objid \
                 WHERE l.locktype = 'object' AND d.datname = '{name}')"
            ));
            if is_on_its_way { Ok(()) } else { Err("it has not come so far".to_owned()) }
        });
        let report = operator.run(LOCK).success().json();
        is_locked.store(true, Ordering::SeqCst);
        assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
        login.join().unwrap()
    });
    assert!(!worked_afterwards, "a session that began before the lock works after it");
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
                             gen_random_uuid()::text, gen_random_uuid()::text, gen_random_uuid(), \
                             '{id}', '1 h', NULL, NULL, \
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
fn a_tenant_whose_server_is_down_is_cut_where_it_can_be() {
    let operator = with_tenant();
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
    let nowhere = "postgresql://operator@/postgres?host=/nonexistent&port=5432";
    let down = operator.with("TENANTCTL_CLUSTER_URL", nowhere);
    let report = down.run(LOCK).fails_with(12).json();
    assert_eq!(
        results(&report, "layers"),
        pairs(&[
            ("control_plane", "done"),
            ("gate", "failed"),
            ("auth", "not_covered"),
            ("connections", "failed")
        ])
    );
    assert_eq!(results(&report, "probes")[0], ("session".to_owned(), "refused".to_owned()));
    assert_eq!(results(&report, "probes")[1], ("gate".to_owned(), "could_not_run".to_owned()));
    assert_eq!(state(&down, &jti), "tenant_locked");
    // Nothing is given back while it cannot be given back whole.
    let ran = down.run(UNLOCK).fails_with(8).json();
    assert!(ran["tenant"]["lock"].is_object(), "{ran}");
    let up = down.without("TENANTCTL_CLUSTER_URL");
    let report = up.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    let _ran = up.run(UNLOCK).success();
    assert_open(&url(&up), &up.tenant("acme").id);
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
        assert_eq!(report["tenant"]["lock"], serde_json::Value::Null, "{report}");
    }
    assert_eq!(access(&operator), before);
    assert_open(&url, &id);
    operator.assert_sound();
}

#[test]
fn the_cut_does_not_wait_for_the_audit_trail() {
    let operator = with_tenant();
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
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

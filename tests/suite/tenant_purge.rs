//! `tenant purge`: destroyed with the operator's word, and only what is provably ours.

use serde_json::json;

use crate::support::deletion::{
    USER, assert_strangers_is_refused_and_intact, exists, exists_on, replaced, with_tenant,
};
use crate::support::{Operator, PATIENCE, Server, Session, server, until};

#[test]
fn only_a_deleted_tenant_is_purged_and_only_then_is_it_gone() {
    let operator = with_tenant("acme");
    let purge = "-o json tenant purge acme --no-backup --confirm acme";
    let error = operator.run(purge).fails_with(5).error();
    assert_eq!(error["kind"], "conflict");
    let row = operator.tenant("acme");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    assert!(exists(&row.database), "kept for the grace");
    let purged = operator.run(purge).success().json();
    assert_eq!(purged["tenant"]["status"], "purged");
    assert!(!exists(&row.database));
    let again = operator.run(purge).success().json();
    assert_eq!((&purged["changed"], &again["changed"]), (&json!(true), &json!(false)));
    let error = operator.run("-o json tenant restore acme").fails_with(5).error();
    assert!(error["message"].to_string().contains("purged"), "{error}");
    let _ran = operator.run("tenant purge nobody --no-backup --confirm nobody").fails_with(4);
    let sealed: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.tenant_metadata WHERE credential IS NOT NULL");
    assert_eq!(sealed, 0, "the credential goes with the tenant");
    operator.assert_sound();
}

#[test]
fn the_next_tenant_of_the_slug_starts_empty() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let old = operator.tenant("acme");
    let jti = operator.issue(USER, "acme");
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let _ran = operator.run(purge).success();
    let _ran = operator.run("tenant create acme --name 'Another Acme'").success();
    let new = operator.tenant("acme");
    assert!(new.id != old.id && new.database != old.database);
    assert_eq!(operator.inside("acme").value::<i64>("SELECT count(*) FROM vendors"), 0);
    let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    let listed = operator.run("-o json session list --tenant acme --all").success().json();
    assert_eq!(listed["sessions"], json!([]), "sessions belong to the id, not to the slug");
    operator.assert_sound();
}

#[test]
fn a_database_somebody_else_made_again_is_not_dropped() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let database = replaced(&operator, None);
    assert_strangers_is_refused_and_intact(&operator, &database, "no stamp");
}

#[test]
fn a_database_with_a_copied_stamp_and_another_oid_is_not_dropped() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let database = operator.tenant("acme").database;
    let stamp: String = server().superuser("postgres").value(&format!(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'"
    ));
    let database = replaced(&operator, Some(&stamp));
    assert_strangers_is_refused_and_intact(&operator, &database, "oid");
}

#[test]
fn a_database_stamped_as_another_tenants_is_not_dropped() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant create globex --name Globex").success();
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let stamp: String = server().superuser("postgres").value(&format!(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{}'",
        operator.tenant("globex").database
    ));
    let database = replaced(&operator, Some(&stamp));
    assert_strangers_is_refused_and_intact(&operator, &database, "names tenant");
}

#[test]
fn a_database_with_somebody_elses_comment_is_not_dropped() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let database = replaced(&operator, Some("billing, do not touch"));
    assert_strangers_is_refused_and_intact(&operator, &database, "not a stamp");
    // Once somebody has moved it away, the same command goes on.
    let away = format!("{database}_away");
    server().superuser("postgres").run(&format!("ALTER DATABASE {database} RENAME TO {away}"));
    let _ran = operator.run("tenant purge acme --no-backup --confirm acme").success();
    assert_eq!(server().superuser(&away).value::<i32>("SELECT answer FROM theirs"), 42);
    operator.assert_sound();
}

#[test]
fn what_is_due_is_purged_and_nothing_else() {
    let operator = Operator::new();
    for slug in ["over", "also-over", "not-yet", "in-use"] {
        let _ran = operator.run(&format!("tenant create {slug} --name X --no-migrate")).success();
    }
    for slug in ["over", "also-over", "not-yet"] {
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
    }
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET purge_after = clock_timestamp() - \
         interval '1 second' WHERE slug LIKE '%over'",
    );
    let line = "-o json tenant purge --due --no-backup";
    let planned = operator.run(&format!("{line} --dry-run")).success().json();
    let names = |slug: &str| json!({ "id": operator.tenant(slug).id, "slug": slug });
    let (over, also_over) = (names("over"), names("also-over"));
    let due = json!([
        { "tenant": also_over, "outcome": "due", "error": null },
        { "tenant": over, "outcome": "due", "error": null },
    ]);
    assert_eq!(planned["results"], due);
    let done = operator.run(&format!("{line} --confirm due")).success().json();
    let purged = json!([
        { "tenant": also_over, "outcome": "purged", "error": null },
        { "tenant": over, "outcome": "purged", "error": null },
    ]);
    assert_eq!(done["results"], purged);
    assert_eq!(operator.tenant("not-yet").status, "deleted");
    assert_eq!(operator.tenant("in-use").status, "active");
    let again = operator.run(&format!("{line} --confirm due")).success().json();
    assert_eq!(again["results"], json!([]));
    operator.assert_sound();
}

#[test]
fn one_that_cannot_be_purged_does_not_hold_up_the_others() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant create globex --name Globex --no-migrate").success();
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
    }
    let database = replaced(&operator, None);
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET purge_after = clock_timestamp() \
         WHERE status = 'deleted'",
    );
    let ran = operator.run("-o json tenant purge --due --no-backup --confirm due").fails_with(9);
    let results = ran.json()["results"].clone();
    let verdict = |slug: &str| {
        let of = |result: &&serde_json::Value| result["tenant"]["slug"] == slug;
        results.as_array().unwrap().iter().find(of).unwrap()["outcome"].clone()
    };
    assert_eq!((verdict("acme"), verdict("globex")), (json!("failed"), json!("purged")));
    assert_eq!(server().superuser(&database).value::<i32>("SELECT answer FROM theirs"), 42);
}

/// A `DROP DATABASE` that was cut short leaves a database nobody can connect to, alter or clone.
#[test]
fn a_half_dropped_database_is_dropped_to_the_end() {
    let operator = with_tenant("acme");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let database = operator.tenant("acme").database;
    server().superuser("postgres").run(&format!(
        "SET allow_system_table_mods = on; \
         UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{database}'"
    ));
    let _ran = operator.run("tenant purge acme --no-backup --confirm acme").success();
    assert!(!exists(&database));
    operator.assert_sound();
}

/// A superuser's session cannot be ended by the operator: the others are, and it is reported.
#[test]
fn a_session_that_cannot_be_ended_is_reported_and_the_others_end() {
    let operator = with_tenant("acme");
    let mut application = operator.login("acme").unwrap();
    let superuser = server().superuser(&operator.tenant("acme").database);
    let line = "-o json tenant delete acme --confirm acme --timeout 1s";
    let error = operator.run(line).fails_with(8).error();
    assert!(error["causes"].to_string().contains("1 of them"), "{error}");
    assert!(!application.is_alive());
    assert_eq!(operator.tenant("acme").status, "deleted");
    drop(superuser);
    let _ran = operator.run(line).success();
    operator.assert_sound();
}

/// An autovacuum worker shows as a session of a superuser on the database it works in. It comes in
/// good time only where few databases wait for one.
#[test]
fn autovacuum_at_work_is_in_nobodys_way() {
    let server = Server::alone();
    let mut superuser = server.superuser("postgres");
    superuser.run("CREATE DATABASE cp OWNER operator");
    let operator =
        Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", server.url("operator", "cp"));
    let _ran = operator.run("init").success();
    let made = operator.run("-o json tenant create acme --name Acme --no-migrate").success();
    let database = made.json()["tenant"]["database"].as_str().unwrap().to_owned();
    server.superuser(&database).run(
        "CREATE TABLE slow (a int, b text) WITH (autovacuum_vacuum_threshold = 1, \
         autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, \
         autovacuum_vacuum_cost_limit = 1); \
         INSERT INTO slow SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i; \
         DELETE FROM slow",
    );
    superuser.run("ALTER SYSTEM SET autovacuum_naptime = 1");
    superuser.run("SELECT pg_reload_conf()");
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
         AND backend_type = 'autovacuum worker'"
    );
    until("an autovacuum worker", PATIENCE, || match superuser.value::<i64>(&count) {
        0 => Err("none".to_owned()),
        _ => Ok(()),
    });
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    assert_ne!(superuser.value::<i64>(&count), 0, "it was at work");
    let _ran = operator.run("tenant purge acme --no-backup --confirm acme").success();
    assert!(!exists_on(&mut superuser, &database));
}

#[test]
fn clients_that_reconnect_in_a_storm_do_not_keep_a_database_alive() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let operator = with_tenant("acme");
    let url = operator.run("tenant url acme --reveal").success().stdout().to_owned();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut sessions = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    sessions.extend(Session::at(&url).ok());
                }
            });
        }
        let line = "tenant delete acme --purge --no-backup --confirm acme";
        let ran = operator.run(line);
        is_over.store(true, Ordering::Relaxed);
        let _ran = ran.success();
    });
    operator.assert_sound();
}

#[test]
fn somebody_who_is_at_it_is_named_and_waited_for() {
    let operator = with_tenant("acme");
    let fault = [("TENANTCTL_FAIL", "close.before:pause")];
    let line = "tenant delete acme --confirm acme";
    let first = operator.start(line, &fault);
    first.wait_until_stopped();
    let error = operator.run(&format!("-o json {line} --timeout 1s")).fails_with(5).error();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!(":{}", first.pid())), "who holds it: {message}");
    let second = operator.start(&format!("-o json {line} --timeout 60s"), &[]);
    first.signal(rustix::process::Signal::CONT);
    let _ran = first.wait().success();
    assert_eq!(second.wait().success().json()["changed"], false);
    operator.assert_sound();
}

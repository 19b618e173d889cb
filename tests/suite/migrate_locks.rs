//! `migrate apply` among others: held tables, busy locks, a second run and an interrupt.

use std::time::{Duration, Instant};

use crate::support::product::{
    NOTES, Product, result, verdicts, wait_for_the_table, wait_until_noticed,
};
use crate::support::{PATIENCE, server, until};

#[test]
fn a_held_table_makes_the_migration_give_up_soon_and_readers_go_on() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    // A long transaction that only reads: enough to hold an ALTER TABLE up.
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let started = Instant::now();
    let running = product.operator.start("migrate apply --tenant acme -o json", &[]);
    let mut watcher = product.database("acme");
    wait_for_the_table(&mut watcher);
    let ran = running.wait().fails_with(7);
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    let report = ran.json();
    let error = &result(&report, "acme")["error"];
    assert_eq!((&error["kind"], &error["retryable"]), (&"unavailable".into(), &true.into()));
    assert!(error.to_string().contains("55P03"), "{error}");
    // The holder still holds, and a reader gets through at once.
    watcher.run("SET lock_timeout = '1s'");
    assert_eq!(watcher.says("SELECT count(*) FROM public.vendors"), "0");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
    holder.run("ROLLBACK");
    let _ran = product.run("migrate apply --tenant acme").success();
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7,8");
}

#[test]
fn two_at_once_apply_nothing_twice() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    // Slow enough for the two to meet.
    product.add("V9__slow.sql", "SELECT pg_sleep(0.3);\nCREATE TABLE public.more (id int);\n");
    let line = "migrate apply --all -o json";
    let (one, other) = (product.operator.start(line, &[]), product.operator.start(line, &[]));
    let reports = [one.wait().success().json(), other.wait().success().json()];
    for report in &reports {
        // Both worked on one run, and tell of it.
        assert_eq!(verdicts(report), "acme:done globex:done");
        assert_eq!(report["run"]["id"], reports[0]["run"]["id"]);
        for slug in ["acme", "globex"] {
            let applied = &result(report, slug)["applied"];
            assert_eq!(*applied, serde_json::json!(["V8__notes", "V9__slow"]), "{report}");
            assert_eq!(product.history(slug), "1,2,3,4,5,6,7,8,9");
        }
    }
    product.operator.assert_sound();
}

#[test]
fn a_busy_lock_is_waited_for_until_the_timeout_and_its_holder_is_named() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    holder.run("SET application_name = 'tenantctl/migrate elsewhere:17'");
    holder.hold("tenantctl.locks", &format!("migrate {}", product.operator.tenant("acme").id));
    let ran = product.run("migrate apply --tenant acme --timeout 3s -o json").fails_with(5);
    let report = ran.json();
    let error = &result(&report, "acme")["error"];
    assert!(error.to_string().contains("tenantctl/migrate elsewhere:17"), "{error}");
    assert!(error["hint"].to_string().contains("--timeout"), "{error}");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
    // Given up in time, it is taken.
    let running = product.operator.start("migrate apply --tenant acme --timeout 60s", &[]);
    let database = product.operator.tenant("acme").database;
    let mut watcher = server().superuser("postgres");
    until("the second to be there", PATIENCE, || {
        let sessions = watcher.ask(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
             AND application_name LIKE 'tenantctl/migrate%'"
        ));
        if sessions == "2" { Ok(()) } else { Err(format!("{sessions} sessions")) }
    });
    drop(holder);
    let _ran = running.wait().success();
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7,8");
}

#[test]
fn one_interrupt_finishes_the_tenant_in_hand_and_starts_no_other() {
    use rustix::process::Signal;
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 -o json", &[]);
    wait_for_the_table(&mut product.database("acme"));
    running.signal(Signal::INT);
    wait_until_noticed(running.pid());
    holder.run("ROLLBACK");
    let ran = running.wait().fails_with(130);
    let report = ran.json();
    assert_eq!(report["interrupted"], true);
    assert_eq!(verdicts(&report), "acme:done globex:not_begun");
    assert_eq!(report["summary"]["not_begun"], 1);
    assert_eq!(product.history("globex"), "1,2,3,4,5,6,7");
    // Twice stops at once, with the statement still waiting; nothing is half done.
    let mut holder = product.database("globex");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 -o json", &[]);
    wait_for_the_table(&mut product.database("globex"));
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ran = running.wait().fails_with(130);
    assert_eq!(ran.error()["kind"], "interrupted", "{ran}");
    // The server notices by itself that nobody waits for the answer any more.
    let mut watcher = product.database("globex");
    until("the abandoned statement to end", PATIENCE, || {
        let waiting = watcher.ask(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.vendors'::regclass \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        if waiting == "0" { Ok(()) } else { Err(format!("{waiting} locks are waited for")) }
    });
    holder.run("ROLLBACK");
    assert_eq!(product.history("globex"), "1,2,3,4,5,6,7");
    let ran = product.run("migrate apply --all -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:done globex:done", "one run, all the while");
    product.operator.assert_sound();
}

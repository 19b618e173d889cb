//! What a tenant's login can hold in front of everybody else: locks, the server's table of locks,
//! connections, and what it owns in databases that are not its own.

use uuid::Uuid;

use crate::support::product::{NOTES, Product, result, wait_for_the_table};
use crate::support::{Operator, PATIENCE, Session, server, until};

/// Opens a session of the tenant's login in a database of the test's choice.
fn login_in(operator: &Operator, slug: &str, database: &str) -> Session {
    let url = operator.run(&format!("tenant url {slug} --reveal")).success();
    let password = url.stdout().split([':', '@']).nth(2).unwrap().to_owned();
    let login = operator.tenant(slug).database;
    server().login(&login, Some(&password), database).unwrap()
}

/// Takes every advisory lock that anybody on the server holds or waits for, in this database, once
/// it is free.
fn keys_in_sight(session: &mut Session) -> Vec<i64> {
    let keys: Vec<(i64,)> = session.rows(
        "SELECT DISTINCT (classid::bigint << 32) | objid::bigint FROM pg_locks \
         WHERE locktype = 'advisory' AND objsubid = 1",
    );
    keys.into_iter().map(|(key,)| key).collect()
}

fn take(session: &mut Session, keys: &[i64]) {
    for key in keys {
        session.run(&format!("SELECT pg_advisory_lock({key})"));
    }
}

#[test]
fn a_login_that_takes_every_lock_it_saw_does_not_stop_migrations() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let mut attacker =
        login_in(&product.operator, "acme", &product.operator.tenant("acme").database);
    let mut holder = product.database("acme");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --tenant acme -o json", &[]);
    wait_for_the_table(&mut product.database("acme"));
    let keys = keys_in_sight(&mut attacker);
    assert!(!keys.is_empty(), "the running migration holds its lock");
    holder.run("ROLLBACK");
    let _ran = running.wait().success();
    take(&mut attacker, &keys);
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    let ran = product.run("migrate apply --tenant acme --timeout 20s -o json");
    assert_eq!(ran.code(), 0, "{ran}");
    assert_eq!(result(&ran.json(), "acme")["outcome"], "done");
    // Nor does it get at the rows that the locks are.
    for statement in [
        "SELECT * FROM tenantctl.locks",
        "DELETE FROM tenantctl.locks",
        "DO 'BEGIN LOCK TABLE tenantctl.locks IN ACCESS SHARE MODE; END'",
    ] {
        let refusal = attacker.attempt(statement).unwrap_err();
        assert!(refusal.starts_with("42501"), "{statement}: {refusal}");
    }
    drop(attacker);
    product.operator.assert_sound();
}

#[test]
fn a_login_in_the_control_planes_database_does_not_hold_a_neighbours_operations() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant create {slug} --name X")).success();
    }
    let plane = operator.plane_name().to_owned();
    // Where others rely on it, PUBLIC stays allowed to connect.
    server().superuser("postgres").run(&format!("GRANT CONNECT ON DATABASE {plane} TO PUBLIC"));
    let mut attacker = login_in(&operator, "acme", &plane);
    let mut holder = operator.plane();
    holder.run(
        "BEGIN; SELECT FROM control_plane.tenant_metadata WHERE slug = 'globex' FOR NO KEY UPDATE",
    );
    let running = operator.start("tenant rotate globex --timeout 60s", &[]);
    let mut watcher = server().superuser("postgres");
    until("the rotation to come to its record", PATIENCE, || {
        let waiting = watcher.ask(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{plane}' \
             AND application_name LIKE 'tenantctl/rotate%' AND wait_event_type = 'Lock'"
        ));
        if waiting == "0" { Err("it does not wait".to_owned()) } else { Ok(()) }
    });
    let keys = keys_in_sight(&mut attacker);
    assert!(keys.len() >= 2, "the tenant's lock and the database's: {keys:?}");
    holder.run("ROLLBACK");
    let _ran = running.wait().success();
    take(&mut attacker, &keys);
    for line in ["tenant rotate globex --timeout 20s", "init --timeout 20s"] {
        let ran = operator.run(line);
        assert_eq!(ran.code(), 0, "{line}: {ran}");
    }
    for table in ["locks", "tenant_metadata"] {
        let refusal = attacker.attempt(&format!("SELECT FROM control_plane.{table}")).unwrap_err();
        assert!(refusal.starts_with("42501"), "{table}: {refusal}");
    }
}

#[test]
fn a_lock_is_held_by_its_very_process_and_role_and_by_no_other_that_takes_its_token() {
    let operator = Operator::new();
    let name = format!("init {}", Uuid::nil());
    let mut holder = operator.plane();
    holder.hold("control_plane.locks", &name);
    let busy = operator.run("init --timeout 3s").fails_with(5);
    assert!(busy.stderr().contains("lock the migrations"), "{busy}");
    let pid: i32 = holder.value("SELECT pg_backend_pid()");
    drop(holder);
    let mut watcher = operator.plane();
    until("the holder to end", PATIENCE, || {
        let left = watcher.ask(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"));
        if left == "0" { Ok(()) } else { Err("it lives".to_owned()) }
    });
    // The token in another process of the same role, and in the very process that the row names
    // when it belongs to another role.
    let mut other = operator.plane();
    other.run("SELECT pg_advisory_lock(4711)");
    let _ran = operator.run("init --timeout 20s").success();
    other.hold("control_plane.locks", &name);
    other.run("UPDATE control_plane.locks SET role = 10");
    let _ran = operator.run("init --timeout 20s").success();
}

//! What a tenant's login can hold to keep itself open: its own row, its database's, and that in
//! transactions which outlive its sessions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use rustix::process::Signal;

use crate::support::lockdown::{
    ALL_REFUSED, LOCK, UNLOCK, assert_open, pairs, results, url, with_tenant,
};
use crate::support::{Operator, PATIENCE, Running, Server, Session, server, until};

/// What it does in a transaction that it leaves open or prepares, and in which database.
const HOLDS: [(&str, &str); 4] = [
    ("TENANT", "ALTER ROLE CURRENT_USER PASSWORD 'PASSWORD'"),
    ("TENANT", "ALTER ROLE CURRENT_USER SET work_mem = '4MB'"),
    // It may not grant this: a warning, and the row of the database is held all the same.
    ("TENANT", "GRANT CONNECT ON DATABASE TENANT TO PUBLIC"),
    ("postgres", "ALTER ROLE CURRENT_USER PASSWORD 'PASSWORD'"),
];

/// The tenant's login, as its application has it.
struct App<'s> {
    server: &'s Server,
    name: String,
    password: String,
}

impl<'s> App<'s> {
    fn of(operator: &Operator) -> Self {
        Self::on(server(), operator)
    }

    fn on(server: &'s Server, operator: &Operator) -> Self {
        let name = operator.tenant("acme").database;
        let url = url(operator);
        let password = url.split([':', '@']).nth(2).unwrap().to_owned();
        Self { server, name, password }
    }

    fn log_in(&self, database: &str) -> Result<Session, String> {
        self.server.login(&self.name, Some(&self.password), database)
    }

    /// Takes a hold, in an open transaction, or one that is prepared and whose session is over.
    fn hold(&self, (database, statement): (&str, &str), is_prepared: bool) -> Session {
        let filled = |text: &str| {
            text.replace("TENANT", &self.name)
                .replace("PASSWORD 'PASSWORD", &format!("PASSWORD '{}", self.password))
        };
        let mut session = self.log_in(&filled(database)).unwrap();
        session.run(&format!("BEGIN; {}", filled(statement)));
        if is_prepared {
            session.run(&format!("PREPARE TRANSACTION 'held by {}'", self.name));
        }
        session
    }

    fn prepared(&self) -> i64 {
        let count = format!("SELECT count(*) FROM pg_prepared_xacts WHERE owner = '{}'", self.name);
        self.server.superuser("postgres").value(&count)
    }

    /// Returns who is a member of the login and could act as it.
    fn members(&self) -> Vec<(String,)> {
        self.server.superuser("postgres").rows(&format!(
            "SELECT m.member::regrole::text FROM pg_auth_members m \
             WHERE m.roleid = '{}'::regrole \
             AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)",
            self.name
        ))
    }
}

#[test]
fn a_login_that_holds_what_has_to_change_is_cut_off() {
    for hold in HOLDS {
        for is_prepared in [false, true] {
            let operator = with_tenant();
            let (url, app) = (url(&operator), App::of(&operator));
            let held = app.hold(hold, is_prepared);
            let report = operator.run(LOCK).success().json();
            assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED), "{hold:?} {report}");
            assert_eq!(app.prepared(), 0, "{hold:?}");
            assert!(Session::at(&url).err().unwrap().starts_with("28000"), "{hold:?}");
            drop(held);
            let _ran = operator.run(UNLOCK).success();
            assert_open(&url, &operator.tenant("acme").id);
        }
    }
}

#[test]
fn a_login_that_holds_what_has_to_change_is_deleted_and_purged() {
    for hold in HOLDS {
        for is_prepared in [false, true] {
            let operator = with_tenant();
            let held = App::of(&operator).hold(hold, is_prepared);
            let _ran = operator.run("tenant delete acme --confirm acme").success();
            drop(held);
            let purge = "tenant purge acme --no-backup --confirm acme";
            let _ran = operator.run(purge).success();
            operator.assert_sound();
        }
    }
}

/// A delete that was killed once the database was closed leaves what was prepared to the purge.
#[test]
fn what_was_prepared_in_a_closed_database_does_not_keep_it() {
    let operator = with_tenant();
    let app = App::of(&operator);
    let _held = app.hold(HOLDS[0], true);
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET status_before_delete = 'active', \
         status = 'deleted', deleted_at = now(), purge_after = now()",
    );
    let close = format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", app.name);
    server().superuser("postgres").run(&close);
    let _ran = operator.run("tenant purge acme --no-backup --confirm acme").success();
    operator.assert_sound();
}

/// Somebody else's is not ours to end, and the refusal says whose it is.
#[test]
fn what_somebody_else_prepared_keeps_the_database_and_is_named() {
    let operator = with_tenant();
    let name = operator.tenant("acme").database;
    let prepare = format!("CREATE TABLE public.dba (); PREPARE TRANSACTION 'dba {name}'");
    server().superuser(&name).run(&format!("BEGIN; {prepare}"));
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let purge = "-o json tenant purge acme --no-backup --confirm acme";
    let error = operator.run(purge).fails_with(5).error().to_string();
    assert!(error.contains(&format!("`dba {name}` is in it, and only `postgres` or a")), "{error}");
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    server().superuser(&name).run(&format!("ROLLBACK PREPARED 'dba {name}'"));
    let _ran = operator.run(purge).success();
    operator.assert_sound();
}

/// A new password ends what holds the row, and nothing else of the application's.
#[test]
fn a_rotation_ends_only_what_is_in_its_way() {
    for is_prepared in [false, true] {
        let operator = with_tenant();
        let app = App::of(&operator);
        let mut busy = app.log_in(&app.name).unwrap();
        busy.run("BEGIN; SELECT 1");
        let mut other = app.log_in(&app.name).unwrap();
        let doubtful = format!("PREPARE TRANSACTION 'doubtful {}'", app.name);
        other.run(&format!("BEGIN; SELECT pg_current_xact_id(); {doubtful}"));
        let held = app.hold(HOLDS[0], is_prepared);
        let _ran = operator.run("tenant rotate acme").success();
        drop(held);
        busy.run("SELECT 1; COMMIT");
        other.run(&format!("COMMIT PREPARED 'doubtful {}'", app.name));
        assert_eq!(app.prepared(), 0);
        assert!(app.log_in(&app.name).err().unwrap().starts_with("28P01"), "the old password");
        assert_open(&url(&operator), &operator.tenant("acme").id);
    }
}

/// It comes back at once, many times over, and each time changes itself.
#[test]
fn a_login_that_never_stops_changing_itself_is_cut_off() {
    let operator = with_tenant();
    let (url, app) = (url(&operator), App::of(&operator));
    let is_over = AtomicBool::new(false);
    let change = format!("ALTER ROLE CURRENT_USER PASSWORD '{}'", app.password);
    scope(|threads| {
        for _ in 0..6 {
            threads.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let Ok(mut session) = app.log_in(&app.name) else { continue };
                    while session.attempt(&change).is_ok_and(|()| !is_over.load(Ordering::SeqCst)) {
                    }
                }
            });
        }
        let changed = || -> i64 {
            server().superuser("postgres").value(&format!(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'",
                app.name
            ))
        };
        until("the login to be at it", PATIENCE, || {
            if changed() >= 4 { Ok(()) } else { Err("not yet".to_owned()) }
        });
        let ran = operator.run(LOCK);
        is_over.store(true, Ordering::SeqCst);
        let report = ran.success().json();
        assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED), "{report}");
    });
    assert!(Session::at(&url).err().unwrap().starts_with("28000"));
}

/// Waits until a session waits for the catalogue of members.
fn wait_for_the_members(watcher: &mut Session, count: i64) {
    until("a session to wait for the members", PATIENCE, || {
        let waiting: i64 = watcher.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted \
             AND relation = 'pg_auth_members'::regclass",
        );
        if waiting >= count { Ok(()) } else { Err(format!("{waiting} wait")) }
    });
}

/// Ends the command, or its session in the tenant's database.
type End = fn(&Running, &mut Session);

/// To roll back what its login prepared, the operator becomes that login, and stays a member of it
/// at no moment at which the process or the server's session can end.
#[test]
fn the_operator_is_left_a_member_of_no_login() {
    let kill: End = |running, _| running.signal(Signal::KILL);
    let terminate: End = |_, watcher| {
        watcher.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name LIKE 'tenantctl/lockdown%' AND datname LIKE 'tenant_%'",
        );
    };
    // The catalogue is everybody's on a server.
    let alone = Server::alone();
    for end in [kill, terminate] {
        for is_late in [false, true] {
            let operator =
                Operator::new().with("TENANTCTL_CLUSTER_URL", alone.url("operator", "postgres"));
            let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
            let app = App::on(&alone, &operator);
            let _held = app.hold(HOLDS[0], true);
            let mut watcher = alone.superuser("postgres");
            // Nobody is made a member while the one holds the catalogue, nor is anybody's membership
            // taken while the other does, whose turn comes right after.
            let mut first = alone.superuser("postgres");
            first.run("BEGIN; LOCK TABLE pg_auth_members IN EXCLUSIVE MODE");
            let running = operator.start(LOCK, &[]);
            wait_for_the_members(&mut watcher, 1);
            if is_late {
                scope(|threads| {
                    let second = threads.spawn(|| {
                        let mut second = alone.superuser("postgres");
                        second.run("BEGIN; LOCK TABLE pg_auth_members IN EXCLUSIVE MODE");
                        second
                    });
                    wait_for_the_members(&mut watcher, 2);
                    first.run("COMMIT");
                    let _second = second.join().unwrap();
                    until("it to be rolled back", PATIENCE, || {
                        if app.prepared() == 0 { Ok(()) } else { Err("not yet".into()) }
                    });
                    assert_eq!(app.members(), [], "committed");
                    end(&running, &mut watcher);
                    drop(running.wait());
                });
            } else {
                end(&running, &mut watcher);
                first.run("COMMIT");
                drop(running.wait());
            }
            assert_eq!(app.members(), [], "late: {is_late}");
            let _ran = operator.run(LOCK).success();
            assert_eq!(app.members(), []);
            assert_eq!(app.prepared(), 0);
        }
    }
}

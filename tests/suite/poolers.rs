//! A pooler in front of a server: in session mode everything works; in transaction and statement
//! mode every command says so, alike, and does nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Operator, Pgbouncer, Session};

const SAID: &str =
    "a pooler in transaction mode answers there, and tenantctl needs a session of its own";

/// Commands that read, write and take locks, the ones that fared differently among them.
const COMMANDS: [&str; 11] = [
    "init",
    "tenant list",
    "tenant create globex --name Globex",
    "tenant show acme",
    "--yes session revoke --tenant acme --reason r",
    "migrate status --all --verify",
    "migrate apply --all",
    "lockdown acme --reason r",
    "--yes unlock acme --reason r",
    "seed apply --tenant acme",
    "audit verify",
];

#[test]
fn before_the_control_plane_every_command_gives_one_answer() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let rows = "SELECT (SELECT count(*) FROM control_plane.policy_sync_log), \
        (SELECT count(*) FROM control_plane.operations)";
    let mut plane = operator.plane();
    let before = plane.ask(rows);
    let direct = plane_url(&operator);
    let mut operator = operator.with("TENANTCTL_CLUSTER_URL", &direct);
    for mode in ["transaction", "statement"] {
        let bouncer = Pgbouncer::start(mode);
        let url = bouncer.url(operator.plane_name());
        operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", url);
        for line in COMMANDS {
            let error = operator.run(&format!("{line} -o json")).fails_with(3).error();
            let message = error["message"].as_str().unwrap();
            assert!(message.ends_with(SAID), "{mode} {line}: {message}");
            let hint = error["hint"].as_str().unwrap();
            assert!(
                hint.starts_with("set TENANTCTL_CONTROL_PLANE_URL") || line == "init",
                "{hint}"
            );
        }
        let health = operator.run("health -o json");
        assert!(health.stdout().contains(SAID), "{}", health.stdout());
    }
    assert_eq!(plane.ask(rows), before, "nothing was begun");
}

#[test]
fn before_the_cluster_it_is_the_clusters() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let bouncer = Pgbouncer::start("transaction");
    let url = bouncer.url(operator.plane_name());
    let operator = operator.with("TENANTCTL_CLUSTER_URL", url);
    for line in ["migrate status --all --verify", "migrate apply --all --seed", "seed apply --all"]
    {
        let ran = operator.run(&format!("{line} -o json"));
        assert!(ran.stdout().contains(SAID), "{line}: {}", ran.stdout());
    }
    let error = operator.run("tenant create globex --name Globex -o json").fails_with(8).error();
    assert!(error.to_string().contains(SAID), "{error}");
    assert!(error["hint"].to_string().contains("TENANTCTL_CLUSTER_URL"), "{error}");
}

#[test]
fn other_clients_of_the_pooler_do_not_hide_it() {
    let operator = Operator::new();
    let bouncer = Pgbouncer::start("transaction");
    let database = operator.plane_name().to_owned();
    let url = bouncer.url(&database);
    let operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", &url);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Session::at(&url).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    // Which statements another client's session ran before is not known either.
                    client.run("SELECT 1");
                }
            });
        }
        for round in 0..10 {
            let ran = operator.run("tenant list");
            if ran.code() != 3 || !ran.stderr().contains(SAID) {
                is_over.store(true, Ordering::Relaxed);
            }
            assert_eq!(ran.code(), 3, "{round}: {}", ran.stderr());
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn in_session_mode_everything_works() {
    // Tenants' logins are tried at the cluster, and this pooler knows the operator only.
    let operator = Operator::before_init();
    let direct = plane_url(&operator);
    let operator = operator.with("TENANTCTL_CLUSTER_URL", direct);
    let bouncer = Pgbouncer::start("session");
    let url = bouncer.url(operator.plane_name());
    let operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", url);
    for line in ["init", "tenant create acme --name Acme --seed"].into_iter().chain(COMMANDS) {
        let _ran = operator.run(line).success();
    }
}

/// Returns the connection string of an operator's control plane without a pooler.
fn plane_url(operator: &Operator) -> String {
    crate::support::server().url("operator", operator.plane_name())
}

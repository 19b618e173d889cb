//! A server whose connections are all taken: a command waits for one and says so, no tenant fails
//! for it while there is time, and in the end it is said what is missing.

use std::time::{Duration, Instant};

use crate::support::{Operator, PATIENCE, Server, Session, until};

/// A server of its own whose operator may have this many sessions, and a control plane on it.
struct Narrow {
    server: Server,
    operator: Operator,
}

impl Narrow {
    fn new() -> Self {
        let server = Server::alone();
        server.superuser("postgres").run("CREATE DATABASE cp OWNER operator");
        let url = server.url("operator", "cp");
        let operator = Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", url);
        let _ran = operator.run("init").success();
        Self { server, operator }
    }

    fn allow(&self, sessions: i32) {
        let limit = format!("ALTER ROLE operator CONNECTION LIMIT {sessions}");
        self.server.superuser("postgres").run(&limit);
        // A session that was closed may still be counted for a moment.
        let left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'operator'";
        let mut superuser = self.server.superuser("postgres");
        until("sessions to end", PATIENCE, || match superuser.ask(left).as_str() {
            "0" => Ok(()),
            left => Err(left.to_owned()),
        });
    }

    fn take(&self, sessions: usize) -> Vec<Session> {
        (0..sessions).map(|_| self.server.operator("cp")).collect()
    }
}

#[test]
fn a_connection_is_waited_for_and_then_asked_for() {
    let narrow = Narrow::new();
    narrow.allow(3);
    let taken = narrow.take(3);
    let began = Instant::now();
    for line in ["tenant list", "migrate status --all", "audit verify"] {
        let ran = narrow.operator.run(&format!("{line} --timeout 1s -o json")).fails_with(7);
        let error = ran.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with("within 1 s: every one is taken"), "{message}");
        assert!(error["causes"].to_string().contains("53300"), "{error}");
        assert!(error["hint"].to_string().contains("CONNECTION LIMIT"), "{error}");
        assert!(ran.stderr().contains("waiting for a free connection on"), "{}", ran.stderr());
    }
    assert!(began.elapsed() < Duration::from_secs(15), "the time is bounded");
    // A monitor is answered at once.
    let health = narrow.operator.run("health").fails_with(7);
    assert!(!health.stderr().contains("waiting"), "{}", health.stderr());

    let running = narrow.operator.start("tenant list", &[]);
    let refusals = || narrow.server.log().matches("too many connections for role").count();
    let seen = refusals();
    until("more refusals than the first moment brings", PATIENCE, || match refusals() {
        now if now > seen + 8 => Ok(()),
        now => Err(now.to_string()),
    });
    drop(taken);
    let ran = running.wait().success();
    assert!(ran.stderr().contains("waiting for a free connection on"), "{}", ran.stderr());
}

#[test]
fn a_fleet_works_through_two_connections() {
    let narrow = Narrow::new();
    for number in 0..12 {
        let line = format!("tenant create t{number} --name T --no-migrate");
        let _ran = narrow.operator.run(&line).success();
    }
    narrow.allow(5);
    let taken = narrow.take(3);
    let ran = narrow.operator.run("migrate apply --all -o json").success();
    assert_eq!(ran.stdout().matches("\"outcome\": \"done\"").count(), 12, "{}", ran.stdout());
    // The clean build that all are compared with needs connections of its own.
    drop(taken);
    narrow.allow(5);
    let ran = narrow.operator.run("migrate status --all --verify --timeout 10s -o json").success();
    assert_eq!(ran.stdout().matches("\"current\"").count(), 12, "{}", ran.stdout());
}

//! The private local Postgres: real servers in data dirs of their own, as root and as nobody in
//! particular.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Operator, PATIENCE, Session, Terminal, plain, until};

/// An operator with nothing configured, whose server goes when the test does.
struct Local(Operator);

impl Local {
    fn new() -> Self {
        Self(Operator::unconfigured())
    }

    fn json(&self, line: &str) -> Value {
        self.0.run(&format!("-o json {line}")).success().json()
    }

    fn status(&self) -> String {
        self.json("local status")["local"]["status"].as_str().unwrap().to_owned()
    }

    fn url(&self) -> String {
        self.json("local url --reveal")["url"].as_str().unwrap().to_owned()
    }

    fn session(&self) -> Session {
        Session::at(&self.url()).unwrap()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ran = self.0.run("local destroy --yes").success();
            return;
        }
        let log = self.0.home().join("data/postgres.log");
        eprintln!("{}", std::fs::read_to_string(log).unwrap_or_default());
        let _ran = self.0.run("local destroy --yes");
    }
}

/// From nothing to running, down and up again with everything still there, and gone.
fn lives_its_life(local: &Local) {
    assert_eq!(local.status(), "not_created");
    let _ran = local.0.run("local url").fails_with(4);
    assert_eq!(local.json("local down")["changed"], false);

    let up = local.json("local up");
    assert_eq!(up["local"]["outcome"], "created");
    assert_ne!(up["local"]["account"], "root");
    assert_eq!(local.status(), "running");
    assert_eq!(local.json("local up")["local"]["outcome"], "already_running");
    local.session().run("CREATE TABLE kept AS SELECT 42 AS answer");

    let masked = local.json("local url")["url"].as_str().unwrap().to_owned();
    let url = local.url();
    assert!(masked.contains(":****@127.0.0.1:") && masked.ends_with("/control_plane"), "{masked}");
    let plain = local.0.run("local url --reveal").success();
    assert_eq!(plain.stdout(), format!("{url}\n"), "alone on stdout, for a shell to use");
    let guess = masked.replace("****", "a-guess");
    assert!(Session::at(&guess).err().unwrap().starts_with("28P01"));

    assert_eq!(local.json("local down")["changed"], true);
    assert_eq!(local.status(), "stopped");
    assert!(Session::at(&url).is_err());
    assert_eq!(local.json("local down")["changed"], false);
    assert_eq!(local.json("local up")["local"]["outcome"], "started");
    let password = |url: &str| url.split([':', '@']).nth(2).unwrap().to_owned();
    assert_eq!(password(&local.url()), password(&url), "it survives restarts");
    assert_eq!(local.session().value::<i32>("SELECT answer FROM kept"), 42);

    for line in ["local destroy", "local destroy --no-input"] {
        let error = local.0.run(&format!("-o json {line}")).fails_with(3).error();
        assert!(error["hint"].to_string().contains("--yes"), "{error}");
    }
    assert_eq!(local.status(), "running", "nobody said yes");
    assert_eq!(local.json("local destroy --yes")["changed"], true);
    assert_eq!(local.status(), "not_created");
    assert!(!local.0.home().join("data/postgres").exists());
    assert!(Session::at(&url).is_err());
    assert_eq!(local.json("local destroy --yes")["changed"], false);
}

#[test]
fn it_lives_its_life() {
    lives_its_life(&Local::new());
}

#[test]
fn it_lives_its_life_under_an_ordinary_user() {
    lives_its_life(&Local(Operator::unconfigured().ordinary()));
}

#[test]
fn its_operator_is_of_hosted_shape_and_owns_the_control_plane() {
    let local = Local::new();
    let _ran = local.0.run("local up").success();
    let mut session = local.session();
    let attributes: Vec<(bool, bool, bool, bool, bool)> = session.rows(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls \
         FROM pg_roles WHERE rolname = current_user",
    );
    assert_eq!(attributes, [(false, true, true, true, true)]);
    let groups: Vec<(String,)> = session.rows(
        "SELECT roleid::regrole::text FROM pg_auth_members \
         WHERE member = current_user::regrole ORDER BY 1",
    );
    let groups: Vec<_> = groups.iter().map(|(name,)| name.as_str()).collect();
    assert_eq!(groups, ["pg_monitor", "pg_read_all_data", "pg_signal_backend"]);
    assert!(session.value::<bool>(
        "SELECT datdba = current_user::regrole FROM pg_database \
         WHERE datname = current_database()"
    ));
    assert_eq!(session.value::<String>("SHOW listen_addresses"), "127.0.0.1");
    assert_eq!(session.value::<String>("SHOW fsync"), "on", "this data is kept");
    let superuser = local.url().replacen("//tenantctl:", "//postgres:", 1);
    assert!(superuser.contains("//postgres:"), "{superuser}");
    assert!(Session::at(&superuser).is_err(), "the superuser is reached over the socket only");
}

#[test]
fn two_data_dirs_do_not_meet() {
    let (one, other) = (Local::new(), Local::new());
    let running = [&one, &other].map(|local| local.0.start("local up", &[]));
    for running in running {
        let _ran = running.wait().success();
    }
    let port = |local: &Local| local.json("local status")["local"]["port"].clone();
    assert_ne!(port(&one), port(&other));
    one.session().run("CREATE TABLE mine (a int)");
    let count = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'";
    assert_eq!(other.session().value::<i64>(count), 0);
    let _ran = one.0.run("local down").success();
    assert_eq!((one.status(), other.status()), ("stopped".to_owned(), "running".to_owned()));
}

#[test]
fn up_from_two_at_once_makes_one() {
    let local = Local::new();
    let running: Vec<_> = (0..4).map(|_| local.0.start("-o json local up", &[])).collect();
    let mut outcomes: Vec<_> = running
        .into_iter()
        .map(|running| running.wait().success().json()["local"]["outcome"].clone())
        .collect();
    outcomes.sort_by_key(ToString::to_string);
    assert_eq!(
        outcomes,
        [
            json!("already_running"),
            json!("already_running"),
            json!("already_running"),
            json!("created")
        ]
    );
}

#[test]
fn a_killed_server_comes_up_again_with_its_data() {
    let local = Local::new();
    let pid = local.json("local up")["local"]["pid"].as_i64().unwrap();
    let mut session = local.session();
    session.run("CREATE TABLE kept AS SELECT 42 AS answer");
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until("the session of the killed server to end", PATIENCE, || {
        if session.is_alive() { Err("it still answers".to_owned()) } else { Ok(()) }
    });
    assert_eq!(local.json("local up")["local"]["outcome"], "started");
    assert_eq!(local.session().value::<i32>("SELECT answer FROM kept"), 42);
}

#[test]
fn commands_with_nothing_configured_use_it() {
    let local = Local::new();
    let error = local.0.run("-o json tenant list").fails_with(2).error();
    assert_eq!(error["hint"], "start one here with: tenantctl local up");
    let _ran = local.0.run("local up").success();
    let error = local.0.run("-o json tenant list").fails_with(3).error();
    assert_eq!(error["hint"], "tenantctl init");
    let _ran = local.0.run("init").success();
    let made = local.json("tenant create acme --name Acme");
    assert_eq!(made["credential"], "sealed", "it has a key of its own");
    let url = local.json("tenant url acme --reveal")["url"].as_str().unwrap().to_owned();
    assert!(Session::at(&url).is_ok(), "over the network, with its password: {url}");
    let _ran = local.0.run("local down").success();
    let error = local.0.run("-o json tenant list").fails_with(7).error();
    assert_eq!(error["hint"], "tenantctl local up");
    let _ran = local.0.run("local up").success();
    let listed = local.json("tenant list");
    assert_eq!(listed["tenants"][0]["slug"], "acme");
}

#[test]
fn the_demo_makes_the_whole_trip_and_makes_it_again() {
    let local = Local::new();
    let first = local.json("demo");
    let second = local.json("demo");
    for (demo, outcome) in [(&first, "created"), (&second, "already_there")] {
        assert_eq!(demo["outcome"], outcome);
        assert_eq!(demo["tenant"]["slug"], "acme");
        assert_eq!(demo["session"]["before_revocation"], "valid");
        assert_eq!(demo["session"]["after_revocation"], "revoked");
    }
    assert_ne!(first["session"]["jti"], second["session"]["jti"]);
    assert_eq!(local.status(), "running", "it leaves everything running");
    let shown = local.0.run("demo").success();
    for leg in ["local up", "init", "tenant create acme", "session issue", "session revoke"] {
        assert!(shown.stderr().contains(&format!("── tenantctl {leg}")), "{leg} in {shown}");
    }
    assert_eq!(local.json("tenant list")["tenants"].as_array().unwrap().len(), 1);
    let _ran = local.0.run("audit verify").success();
    // It brings a server up that is down.
    let _ran = local.0.run("local down").success();
    let _ran = local.0.run("demo").success();
}

#[test]
fn the_demo_never_touches_a_configured_control_plane() {
    let operator = Operator::new();
    let before: i64 = operator.plane().value("SELECT count(*) FROM control_plane.policy_sync_log");
    let error = operator.run("-o json demo").fails_with(3).error();
    assert!(error["message"].to_string().contains("TENANTCTL_CONTROL_PLANE_URL"), "{error}");
    assert!(!operator.home().join("data").exists(), "and starts no server");
    let after: i64 = operator.plane().value("SELECT count(*) FROM control_plane.policy_sync_log");
    assert_eq!(after, before);
    assert_eq!(operator.tenants("acme"), []);
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let operator = Operator::unconfigured();
    let directory = operator.home().join("data/postgres");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("PG_VERSION"), "15\n").unwrap();
    for line in ["local up", "local destroy --yes"] {
        let error = operator.run(&format!("-o json {line}")).fails_with(3).error();
        assert!(error.to_string().contains("data/postgres"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(directory.join("PG_VERSION")).unwrap(), "15\n");
}

#[test]
fn without_programs_it_says_what_to_install() {
    let operator = Operator::unconfigured().with("TENANTCTL_POSTGRES_BIN", "/nowhere/bin");
    let error = operator.run("-o json local up").fails_with(3).error();
    assert!(error.to_string().contains("/nowhere/bin"), "{error}");
    assert!(error["hint"].is_string(), "{error}");
    assert!(!operator.home().join("data/postgres").exists());
}

/// What the system forbids is no bug of ours, and the hint says where to go.
#[test]
fn a_data_dir_that_may_not_be_made_is_refused_with_a_way_out() {
    let operator = Operator::unconfigured().ordinary();
    let closed = operator.home().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let operator = operator.with("TENANTCTL_DATA_DIR", closed.join("data"));
    let error = operator.run("-o json local up").fails_with(2).error();
    assert!(error["hint"].to_string().contains("TENANTCTL_DATA_DIR"), "{error}");
    // Nor is a HOME that is nowhere, or a file.
    for home in ["/proc/nowhere", "/dev/null"] {
        let operator = Operator::unconfigured().ordinary().without("TENANTCTL_DATA_DIR");
        let error = operator.with("HOME", home).run("-o json local up").fails_with(2).error();
        assert!(error["message"].to_string().contains(home), "{error}");
        assert!(error["hint"].to_string().contains("TENANTCTL_DATA_DIR"), "{error}");
    }
}

/// What a program printed stands below our line, line by line, and can neither pass for a line of ours nor
/// move the cursor; a machine gets it as one text.
#[test]
fn what_a_program_printed_before_it_failed_is_shown_line_by_line() {
    let local = Local::new();
    let programs = local.0.home().join("programs");
    fs::create_dir(&programs).unwrap();
    let script = "#!/bin/sh\ncase \"$*\" in *version*) echo 'postgres (PostgreSQL) 17.0'; exit;; esac\n\
                  printf 'making\\r10%%\\r90%%\\n\\nat postgresql://ann:hush@db/x\\n'\n\
                  for n in $(seq 40); do echo \"line $n\"; done\n\
                  echo wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww error: not ours\n\
                  printf 'hint: run rm\\n\\033[2J\\tgone\\n' >&2; exit 1\n";
    for program in ["initdb", "pg_ctl", "postgres"] {
        fs::write(programs.join(program), script).unwrap();
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(programs.join(program), mode).unwrap();
    }
    let operator = &local.0;
    let line = "local up";
    let shown = "making\n    10%\n    90%\n    at postgresql://ann:****@db/x\n    … 31 lines left out\n    \
                 line 32\n";
    let mut command = operator.command(line);
    command.env_remove("COLUMNS");
    command.env("TENANTCTL_POSTGRES_BIN", &programs).env("NO_COLOR", "1");
    let (code, seen) = Terminal::start(&command, 80).end();
    let seen = plain(&seen).replace('\r', "");
    assert_ne!(code, 0, "{seen}");
    let (_, below) = seen.split_once("with initdb:\n    ").unwrap_or_else(|| panic!("{seen}"));
    assert!(below.starts_with(shown), "{below}");
    assert!(
        below.contains("www\n    error: not ours\n    hint: run rm\n    \\u{1b}[2J    gone\n"),
        "{below}"
    );
    let ran = operator
        .start("-o json local up", &[("TENANTCTL_POSTGRES_BIN", programs.to_str().unwrap())])
        .wait();
    let error = ran.error();
    let message = error["message"].as_str().unwrap();
    let (_, said) = message.split_once("with initdb:\n").unwrap_or_else(|| panic!("{ran}"));
    assert_eq!(said.lines().count(), 17, "{said}");
    assert!(said.starts_with("making\n10%\n90%\nat postgresql://ann:****@db/x\n…"), "{said}");
    assert!(said.ends_with("error: not ours\nhint: run rm\n\\u{1b}[2J    gone"), "{said}");
}

//! `--timeout` bounds every command as a whole, and whoever is in the way is named: a server that
//! accepts and never answers, a row of the control plane, a lock of ours.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::cli_help::every_command;
use crate::support::product::NOTES;
use crate::support::{Operator, Ran, Session, server};

/// What every command is given here, and the longest that all of them side by side may take on a busy
/// machine. Without the flag, each of these waits lasts ten seconds or more.
const GIVEN: &str = "--timeout 4s";
const MARGIN: Duration = Duration::from_secs(9);

/// Every command that contacts something, by its words; `SLUG` is a tenant, `ID` its id.
const LINES: &[&str] = &[
    "init",
    "tenant create fresh --name Fresh",
    "tenant adopt fresh --name Fresh --database elsewhere",
    "tenant list",
    "tenant show SLUG",
    "tenant url SLUG",
    "tenant rotate SLUG --yes",
    "tenant connect SLUG -- -c 'SELECT 1'",
    "query --all 'SELECT 1'",
    "tenant update SLUG --name Other",
    "tenant protect SLUG",
    "tenant unprotect SLUG",
    "tenant delete SLUG --confirm SLUG",
    "tenant restore SLUG",
    "tenant purge SLUG --no-backup --confirm SLUG",
    "migrate apply --all",
    "migrate resume",
    "migrate runs list",
    "migrate runs show 1",
    "migrate runs watch 1",
    "migrate runs pause 1",
    "migrate runs cancel 1",
    "migrate status --all --verify",
    "migrate repair --all --accept 7 --reason drill",
    "migrate baseline --all --at 7 --reason drill",
    "seed apply --tenant SLUG",
    "session issue --user USER --tenant SLUG",
    "session list --tenant SLUG",
    "session show USER",
    "session check USER",
    "session revoke --tenant SLUG --reason drill --yes",
    "session prune --yes",
    "member list SLUG",
    "member add SLUG USER",
    "member remove SLUG USER --reason drill --yes",
    "lockdown SLUG --reason drill",
    "unlock SLUG --reason drill --yes",
    "audit list",
    "audit verify",
    "audit export",
    "health",
];

/// Those that change the tenant's row and take no lock of ours before.
const NEED_THE_ROW: &[&str] = &[
    "tenant protect SLUG",
    "tenant update SLUG --name Other",
    "session revoke --tenant SLUG --reason drill --yes",
    "lockdown SLUG --reason drill",
];

/// Those that contact nothing, or only what is asked for in their arguments.
const WITHOUT: &[&str] = &[
    "demo",
    "local up",
    "local down",
    "local status",
    "local url",
    "local destroy",
    "seed list",
    "migrate new",
    "migrate export",
    "migrate lint",
    "config show",
    "config path",
    "config init",
    "profile list",
    "token verify",
    "token explain",
    "token decode",
    "jwks show",
    "jwks refresh",
    "jwks clear",
    "completions",
    "man",
];

const USER: &str = "7d3f0a1e-0000-4000-8000-000000000001";

fn filled(line: &str) -> String {
    line.replace("SLUG", "acme").replace("USER", USER)
}

/// Runs commands side by side, and returns each with what it said; together they end in time.
fn all_in_time(operator: &Operator, lines: &[&str]) -> Vec<(String, Ran)> {
    let began = Instant::now();
    let lines = lines.iter().map(|line| format!("{GIVEN} {}", filled(line)));
    let running: Vec<_> = lines.map(|line| (operator.start(&line, &[]), line)).collect();
    let ran: Vec<_> = running.into_iter().map(|(running, line)| (line, running.wait())).collect();
    let slowest = ran.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n");
    assert!(began.elapsed() < MARGIN, "{:?} for\n{slowest}", began.elapsed());
    ran
}

#[test]
fn every_command_is_on_the_list() {
    let listed = |leaf: &String| {
        let is_meant = |line: &&str| *line == leaf || line.starts_with(&format!("{leaf} "));
        LINES.iter().chain(WITHOUT).any(is_meant)
    };
    let missing: Vec<_> = every_command(true)
        .iter()
        .map(|words| words.join(" "))
        .filter(|leaf| !listed(leaf))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_server_that_accepts_and_never_answers_ends_every_command_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgresql://operator@127.0.0.1:{port}/plane");
    let operator = Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", url);
    for (line, ran) in all_in_time(&operator, LINES) {
        assert_eq!(ran.code(), 7, "{line}: {ran}");
        let text = ran.stderr();
        let place = format!("waiting for control plane 127.0.0.1:{port}");
        assert!(text.contains(&place), "{line}: {ran}");
    }
}

/// A cluster that hangs: what the control plane alone can do is done, and the rest ends in time.
#[test]
fn a_cluster_that_never_answers_ends_every_command_in_time() {
    let operator = Operator::new();
    let _ran = operator.run(&filled("tenant create SLUG --name Acme")).success();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgresql://operator@127.0.0.1:{port}/plane");
    let operator = operator.with("TENANTCTL_CLUSTER_URL", url);
    for (line, code) in [
        ("tenant create fresh --name Fresh", 8),
        ("migrate status --all --verify", 10),
        ("seed apply --tenant SLUG", 7),
        ("health", 7),
        ("lockdown SLUG --reason drill", 12),
    ] {
        let (line, ran) = all_in_time(&operator, &[line]).remove(0);
        assert_eq!(ran.code(), code, "{line}: {ran}");
        assert!(ran.stderr().contains(&format!("cluster 127.0.0.1:{port}")), "{line}: {ran}");
        if line.contains("lockdown") {
            // What is in force, layer by layer, and not only that the time is over.
            let said: Vec<_> = ran.stdout().split_whitespace().collect();
            let said = said.join(" ");
            for layer in ["control_plane done", "gate failed", "connections failed"] {
                assert!(said.contains(layer), "{layer}: {ran}");
            }
            // The login's probe asks the recorded address, not the cluster that hangs.
            assert!(said.matches("not reached in time").count() >= 3, "{ran}");
        }
    }
}

/// Returns an operator with a tenant, and a session that somebody else has on the control plane.
fn with_holder() -> (Operator, Session) {
    let operator = Operator::new();
    let _ran = operator.run(&filled("tenant create SLUG --name Acme")).success();
    let mut holder = operator.plane();
    holder.run("SET application_name = 'somebody'");
    (operator, holder)
}

#[test]
fn a_row_that_somebody_holds_ends_every_command_in_time_and_names_them() {
    let (operator, mut holder) = with_holder();
    holder.run("BEGIN; UPDATE control_plane.tenant_metadata SET name = name");
    let pid: i32 = holder.value("SELECT pg_backend_pid()");
    drop(all_in_time(&operator, LINES));
    for (line, ran) in all_in_time(&operator, NEED_THE_ROW) {
        let text = ran.stderr();
        let named = format!("somebody (server process {pid}, user operator, idle in transaction");
        assert!(text.contains(&named), "{line}: {ran}");
        assert!(text.contains(&format!("pg_terminate_backend({pid})")), "{line}: {ran}");
    }
    // Nothing was done by those whose one transaction failed.
    for line in ["tenant protect SLUG", "lockdown SLUG --reason drill"] {
        let ran = operator.run(&format!("{GIVEN} {}", filled(line))).fails_with(7);
        assert!(ran.stderr().contains("nothing was changed"), "{line}: {ran}");
    }
    holder.run("ROLLBACK");
    assert_eq!(operator.tenant("acme").status, "active");
}

#[test]
fn a_lock_that_somebody_holds_ends_every_command_in_time_and_names_them() {
    let (operator, mut holder) = with_holder();
    let id = operator.tenant("acme").id;
    holder.hold("control_plane.locks", &format!("tenant {id}"));
    let mut held = 0;
    for (line, ran) in all_in_time(&operator, LINES) {
        if ran.code() == 5 && ran.stderr().contains("holds it") {
            held += 1;
            let named =
                "failed to lock tenant `acme` on the control plane: somebody (server process";
            assert!(ran.stderr().contains(named), "{line}: {ran}");
            assert!(ran.stderr().contains("pg_terminate_backend("), "{line}: {ran}");
        }
    }
    assert!(held > 2, "{held} commands need the lock");
}

/// The holder of a table in a tenant's own database is named in that tenant's line.
#[test]
fn a_table_that_somebody_holds_is_named_in_the_tenants_line() {
    let product = crate::support::product::Product::new();
    product.create(&["acme", "beta"]);
    product.add("V8__notes.sql", NOTES);
    product.add("V9__more.sql", "ALTER TABLE public.vendors ADD COLUMN more text;");
    let database = product.operator.tenant("acme").database;
    let mut holder = server().superuser(&database);
    holder.run(
        "SET application_name = 'report'; BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE",
    );
    let ran = product.run("migrate apply --all --timeout 4s -o json").fails_with(9);
    let report = ran.json();
    let lines: Vec<_> = report["results"].as_array().unwrap().iter().collect();
    assert_eq!(lines[1]["outcome"], "done", "{report}");
    assert_eq!(lines[0]["outcome"], "failed", "{report}");
    let message = lines[0]["error"]["message"].as_str().unwrap();
    let start = "failed to take a lock in the tenant's database: report (server process ";
    assert!(message.starts_with(start), "{report}");
    assert!(lines[0]["error"]["hint"].to_string().contains("pg_terminate_backend"), "{report}");
    holder.run("ROLLBACK");
    let _ran = product.run("migrate apply --all").success();
}

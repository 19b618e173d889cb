//! Canaries in every slot a secret can stand in; afterwards they are looked for in everything that
//! was printed, stored, logged, or visible to other processes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Operator, PATIENCE, server, until};

const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const URL_PASSWORD: &str = "canary-url-password-7f3a";
const CLUSTER_PASSWORD: &str = "canary-cluster-password-91bd";

/// Returns the command lines of all processes that are there now, except those of the tests.
fn command_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().chars().all(|c| c.is_ascii_digit()) {
            let bytes = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            lines.push(String::from_utf8_lossy(&bytes).replace('\0', " "));
        }
    }
    lines
}

fn password_in(url: &str) -> String {
    let (_, rest) = url.trim().split_once("://").unwrap();
    let (login, _) = rest.split_once('@').unwrap();
    login.split_once(':').unwrap().1.to_owned()
}

fn hex(text: &str) -> String {
    let digit = |digit| char::from_digit(u32::from(digit), 16).unwrap();
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Every row of every table of the control plane, as text.
fn whole_control_plane(operator: &Operator) -> String {
    let mut superuser = server().superuser(operator.plane_name());
    let tables = superuser.ask(
        "SELECT relname FROM pg_class WHERE relnamespace = 'control_plane'::regnamespace \
         AND relkind = 'r'",
    );
    let row = |table: &str| superuser.ask(&format!("SELECT t::text FROM control_plane.{table} t"));
    tables.lines().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_secret_shows_anywhere_but_where_it_was_asked_for() {
    let operator = Operator::new();
    let with_password =
        |password: &str| server().url(&format!("operator:{password}"), operator.plane_name());
    let (url, cluster) = (with_password(URL_PASSWORD), with_password(CLUSTER_PASSWORD));
    // The server writes down every statement of this control plane's sessions.
    server().superuser("postgres").run(&format!(
        "ALTER DATABASE {} SET log_statement = 'all'; \
         ALTER DATABASE {0} SET log_min_duration_statement = 0",
        operator.plane_name()
    ));
    let operator = operator
        .without("TENANTCTL_SECRET_KEY_FILE")
        .with("TENANTCTL_SECRET_KEY", KEY)
        .with("TENANTCTL_CONTROL_PLANE_URL", url)
        .with("TENANTCTL_CLUSTER_URL", cluster);

    let is_over = AtomicBool::new(false);
    let seen_lines = Mutex::new(BTreeSet::new());
    let mut printed = Vec::new();
    let mut secrets = vec![KEY.to_owned(), URL_PASSWORD.to_owned(), CLUSTER_PASSWORD.to_owned()];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                seen_lines.lock().unwrap().extend(command_lines());
                // A sample now and then: no command is that short, and the others need the machine.
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let mut run = |line: &str| {
            for flags in ["-vvv", "-vvv -o json"] {
                let ran = operator.run(&format!("{line} {flags}"));
                printed.push(ran.to_string());
            }
        };
        run("init");
        run("tenant create acme --name Acme --seed");
        let url = operator.run("tenant url acme --reveal").success();
        secrets.push(password_in(url.stdout()));
        run("tenant create acme --name Other");
        run("tenant list");
        run("tenant show acme");
        run("tenant url acme");
        run("tenant rotate acme --dry-run");
        run("tenant rotate acme");
        let url = operator.run("tenant url acme --reveal").success();
        secrets.push(password_in(url.stdout()));
        run("tenant protect acme");
        run("tenant unprotect acme");
        run("migrate apply --all");
        run("migrate status --verify");
        run("seed apply --all");
        run("session issue --user aaaaaaaa-0000-4000-8000-000000000001 --tenant acme");
        run("session list --tenant acme");
        run("session revoke --tenant acme --reason test --yes");
        run("audit list");
        run("audit export");
        run("audit verify");
        run("tenant show nobody");
        run("tenant delete acme");
        run("tenant delete acme --confirm acme");
        run("tenant restore acme");
        run("tenant delete acme --purge --no-backup --confirm acme");
        is_over.store(true, Ordering::Relaxed);
    });
    // A server that refuses repeats the statement in its log and may do so in its message.
    let create = "tenant create globex --name Globex --no-migrate";
    printed.push(operator.run(create).success().to_string());
    operator.plane().run(
        "CREATE FUNCTION control_plane.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           RAISE EXCEPTION 'no: %', NEW; END $$; \
         CREATE TRIGGER no BEFORE UPDATE OF credential ON control_plane.tenant_metadata \
         FOR EACH ROW EXECUTE FUNCTION control_plane.no()",
    );
    for flags in ["", "-vvv", "-o json"] {
        let ran = operator.run(&format!("tenant rotate globex {flags}"));
        assert_ne!(ran.code(), 0, "{ran}");
        printed.push(ran.to_string());
    }
    assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), 5, "{secrets:?}");
    assert!(secrets.iter().all(|secret| secret.len() >= 24), "{secrets:?}");

    let places = [
        ("what was printed", printed.join("\n")),
        ("the control plane", whole_control_plane(&operator)),
        ("the server's log", server().log()),
        (
            "command lines",
            seen_lines.lock().unwrap().iter().cloned().collect::<Vec<_>>().join("\n"),
        ),
    ];
    for (place, text) in &places {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {place}");
            let hex = hex(secret);
            assert!(!text.contains(&hex), "{secret} in hex in {place}");
        }
    }
    // The places were the right ones to look at.
    let text = |place: usize| places[place].1.as_str();
    assert!(text(0).contains("(from TENANTCTL_CONTROL_PLANE_URL)") && text(0).contains("****"));
    assert!(text(1).contains("tenant.rotate") && text(1).contains("acme"));
    assert!(text(2).contains("ALTER ROLE") && text(2).contains("SCRAM-SHA-256$4096:"));
    assert!(text(3).contains("tenant create acme"), "no command was seen while it ran");
}

#[test]
fn without_a_key_the_password_is_kept_nowhere_and_handed_over_once() {
    let operator = Operator::new().without("TENANTCTL_SECRET_KEY_FILE");
    let ran = operator.run("tenant create acme --name Acme --no-migrate -o json").success();
    assert_eq!(ran.json()["credential"], "not_kept");
    let refused = operator.run("tenant url acme --reveal -o json").fails_with(3);
    assert_eq!(refused.error()["hint"], "tenantctl tenant rotate acme");
    let rotated = operator.run("tenant rotate acme").success();
    assert!(rotated.stderr().contains("shown this once"), "{rotated}");
    let mut login = crate::support::Session::at(rotated.stdout()).unwrap();
    assert_eq!(login.ask("SELECT current_user"), operator.tenant("acme").database);
    let password = password_in(rotated.stdout());
    assert!(!whole_control_plane(&operator).contains(&password));
    let _ran = operator.run("tenant url acme --reveal").fails_with(3);
}

#[test]
fn a_sealed_password_opens_with_its_own_key_and_for_its_own_tenant_only() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let create = format!("tenant create {slug} --name {slug} --no-migrate");
        let _ran = operator.run(&create).success();
    }
    let other = [("TENANTCTL_SECRET_KEY", KEY)];
    let ran = operator.start("tenant url acme --reveal -o json", &other).wait().fails_with(6);
    assert!(ran.error()["message"].to_string().contains("another key"), "{ran}");
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET credential = ( \
           SELECT credential FROM control_plane.tenant_metadata WHERE slug = 'globex') \
         WHERE slug = 'acme'",
    );
    let ran = operator.run("tenant url acme --reveal -o json").fails_with(6);
    assert!(ran.error()["message"].to_string().contains("belongs to another tenant"), "{ran}");
    assert_eq!(ran.error()["hint"], "make a new password: tenantctl tenant rotate acme");
    let _ran = operator.run("tenant url globex --reveal").success();
}

/// A core dump would hold them all, and so does the memory that a debugger of the same user reads.
#[cfg(target_os = "linux")]
#[test]
fn no_core_is_dumped_and_no_process_beside_it_reads_its_memory() {
    use std::os::unix::fs::MetadataExt;
    let operator = Operator::unconfigured().ordinary();
    // It waits for its token.
    let mut command = operator.command("token decode -");
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let of = |file: &str| format!("/proc/{}/{file}", running.id());
    until("the process to close itself to others", PATIENCE, || {
        let limits = fs::read_to_string(of("limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        // What cannot be dumped belongs to root in /proc, whoever runs it.
        let owner = fs::metadata(of("environ")).unwrap().uid();
        let is_closed = core.split_whitespace().nth(4) == Some("0") && owner == 0;
        if is_closed { Ok(()) } else { Err(format!("{core}, owner {owner}")) }
    });
    running.kill().unwrap();
    let _status = running.wait().unwrap();
}

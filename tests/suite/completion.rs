//! What Tab offers: commands, flags, and the slugs of the tenants there are.

use std::time::{Duration, Instant};

use crate::support::{Operator, PATIENCE, until};

/// Asks as the script for bash does, with the last word still being typed.
fn offered(operator: &Operator, line: &str) -> Vec<String> {
    let last = line.split(' ').count() - 1;
    let index = last.to_string();
    let variables =
        [("COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", index.as_str()), ("_CLAP_IFS", "\n")];
    let mut command = operator.command("");
    command.arg("--").args(line.split(' ')).envs(variables);
    let said = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(said.status.success(), "{line}: {said:?}");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{line}");
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Presses Tab until it offers these slugs: on a busy machine 300 ms may pass without an answer.
fn eventually_offers(operator: &Operator, line: &str, expected: &[&str]) {
    until(&format!("what `{line}` offers"), PATIENCE, || {
        let seen = offered(operator, line);
        if seen == expected { Ok(()) } else { Err(format!("{seen:?}")) }
    });
}

fn with_tenants() -> Operator {
    let operator = Operator::new();
    operator.plane().run(
        "INSERT INTO control_plane.tenant_metadata (tenant_id, slug, name, placement, status) \
         SELECT gen_random_uuid(), slug, name, 'database', 'active' FROM (VALUES \
           ('acme', 'Acme Ltd'), ('acme-south', 'Acme South'), ('globex', 'Globex'), \
           ('evil', E'x\\x1b[2J\\ny')) t(slug, name)",
    );
    operator
}

#[test]
fn tab_offers_commands_and_flags() {
    let operator = Operator::unconfigured();
    let commands = offered(&operator, "tenantctl ");
    for command in ["tenant", "migrate", "session", "audit", "completions"] {
        assert!(commands.iter().any(|offer| offer == command), "{command} in {commands:?}");
    }
    assert_eq!(offered(&operator, "tenantctl sess"), ["session"]);
    assert!(offered(&operator, "tenantctl migrate apply --da").is_empty());
    assert_eq!(offered(&operator, "tenantctl migrate apply --dr"), ["--dry-run"]);
    assert_eq!(offered(&operator, "tenantctl completions z"), ["zsh"]);
    let flags = offered(&operator, "tenantctl tenant show ");
    assert!(flags.iter().all(|offer| offer.starts_with("--")), "no tenant is there: {flags:?}");
}

#[test]
fn tab_offers_the_slugs_there_are() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show ac", &["acme", "acme-south"]);
    assert_eq!(offered(&operator, "tenantctl tenant delete gl"), ["globex"]);
    assert_eq!(offered(&operator, "tenantctl session issue --tenant gl"), ["globex"]);
    let second = offered(&operator, "tenantctl migrate apply --tenant acme,gl");
    assert_eq!(second, ["acme,globex"]);
    operator.plane().run(
        "INSERT INTO control_plane.tenant_metadata (tenant_id, slug, name, placement) \
         VALUES (gen_random_uuid(), 'acme-new', 'new', 'database')",
    );
    // The copy of the last answer does not hide what is new.
    eventually_offers(&operator, "tenantctl tenant show acme-n", &["acme-new"]);
}

#[test]
fn a_hostile_name_is_harmless_at_tab() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let mut command = operator.command("");
        command.arg("--").args(["tenantctl", "tenant", "show", "ev"]);
        command.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "3").env("_CLAP_IFS", "\n");
        let said = command.stdin(std::process::Stdio::null()).output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        assert!(text.contains("evil"), "{shell}: {text:?}");
        assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{shell}: {text:?}");
    }
}

#[test]
fn when_the_control_plane_is_away_tab_remembers_and_does_not_wait() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    // A listener that accepts and never answers: the worst of all servers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for away in [
        "postgresql://operator@/cp?host=/nowhere".to_owned(),
        format!("postgresql://operator@127.0.0.1:{port}/cp"),
    ] {
        let operator = Operator::unconfigured()
            .with("TENANTCTL_DATA_DIR", operator.home().join("data"))
            .with("TENANTCTL_CONTROL_PLANE_URL", away);
        let started = Instant::now();
        assert_eq!(offered(&operator, "tenantctl tenant show glo"), ["globex"]);
        // 300 ms of patience, and whatever a busy machine adds to it.
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[test]
fn what_is_remembered_is_for_our_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    let cache = operator.home().join("data/completions-tenants");
    let mode = std::fs::metadata(&cache).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_script_for_bash_works_in_bash() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_tenantctl"));
    let script = "source \"$TREE/completions/tenantctl.bash\"; COMP_TYPE=9 COMP_CWORD=3; \
                  COMP_WORDS=(tenantctl tenant show glo); \
                  _clap_complete_tenantctl tenantctl glo show; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = std::process::Command::new("bash");
    let ours = operator.command("");
    command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    command.env("PATH", path).env("TREE", env!("CARGO_MANIFEST_DIR"));
    let said = command.args(["--norc", "-c", script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "globex\n", "{said:?}");
}

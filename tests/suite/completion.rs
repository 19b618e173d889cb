//! What Tab offers: commands, flags, and the slugs of the tenants there are.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Operator, PATIENCE, Terminal, find_program, server, until};

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
    assert_eq!(offered(&operator, "tenantctl tenant show "), [""; 0], "no tenant is there");
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
fn when_the_control_plane_is_away_tab_remembers_its_own_names_and_does_not_wait() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    let forget = "ALTER TABLE control_plane.tenant_metadata RENAME TO away";
    operator.plane().run(forget);
    assert_eq!(offered(&operator, "tenantctl tenant show glo"), ["globex"]);
    // A listener that accepts and never answers: the worst of all servers. It is another control plane,
    // and what was seen of the first is none of its names.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let operator = operator
        .with("TENANTCTL_CONTROL_PLANE_URL", format!("postgresql://operator@127.0.0.1:{port}/cp"));
    let started = Instant::now();
    assert_eq!(offered(&operator, "tenantctl tenant show glo"), [""; 0]);
    // 300 ms of patience, and whatever a busy machine adds to it.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn tab_asks_the_control_plane_that_the_command_would() {
    let (first, second) = (with_tenants(), Operator::new());
    second.plane().run(
        "INSERT INTO control_plane.tenant_metadata (tenant_id, slug, name, placement, status) \
         VALUES (gen_random_uuid(), 'gloom', 'Gloom', 'database', 'active')",
    );
    let url = server().url("operator", second.plane_name());
    let text = format!("[profiles.second]\ncontrol_plane_url = '{url}'\n");
    let file = first.home().join("other.toml");
    std::fs::write(&file, &text).unwrap();
    std::fs::write(first.home().join("tenantctl.toml"), &text).unwrap();
    eventually_offers(&first, "tenantctl tenant show glo", &["globex"]);
    let first = first.without("TENANTCTL_CONTROL_PLANE_URL");
    let config = format!("--config {}", file.display());
    for chosen in ["-p second", "-psecond", "--profile=second", &format!("{config} -p second")] {
        eventually_offers(&first, &format!("tenantctl {chosen} lockdown glo"), &["gloom"]);
    }
    assert_eq!(offered(&first, "tenantctl -p se"), ["second"]);
    let first = first.with("TENANTCTL_PROFILE", "second");
    eventually_offers(&first, "tenantctl tenant show glo", &["gloom"]);
}

#[test]
fn tab_offers_only_tenants_that_fit_and_the_values_they_have() {
    let operator = with_tenants();
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET status = 'deleted', deleted_at = now(), \
            purge_after = now(), status_before_delete = 'active' WHERE slug = 'globex'; \
         UPDATE control_plane.tenant_metadata SET protected = true, plan = 'pro', \
            labels = '{\"tier\": \"gold\"}' WHERE slug = 'acme'; \
         UPDATE control_plane.tenant_metadata SET labels = '{\"tier\": \"tin\"}' WHERE slug = 'evil'",
    );
    let _ran = operator.run("lockdown acme-south --reason x --yes");
    eventually_offers(&operator, "tenantctl unlock ", &["acme-south"]);
    for (line, expected) in [
        ("tenantctl lockdown a", &["acme"][..]),
        ("tenantctl tenant restore ", &["globex"]),
        ("tenantctl tenant purge ", &["globex"]),
        ("tenantctl tenant unprotect ", &["acme"]),
        ("tenantctl tenant list --label tier=", &["tier=gold", "tier=tin"]),
        ("tenantctl tenant list --plan ", &["pro"]),
        ("tenantctl seed apply --all --set ", &["demo"]),
        ("tenantctl audit list --action tenant.lo", &["tenant.lockdown"]),
    ] {
        eventually_offers(&operator, line, expected);
    }
    let id: String = operator
        .plane()
        .value("SELECT tenant_id::text FROM control_plane.tenant_metadata WHERE slug = 'globex'");
    eventually_offers(&operator, &format!("tenantctl tenant show {}", &id[..13]), &[&id]);
}

#[test]
fn what_is_remembered_is_for_our_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    let kept: Vec<_> = std::fs::read_dir(operator.home().join("data/completions"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(kept, [0o600]);
}

/// Returns a real shell in which the script's program is ours.
fn shell(operator: &Operator, program: &str) -> Command {
    let mut command = Command::new(find_program(program));
    let ours = operator.command("");
    command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_tenantctl"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    command.env("PATH", path).env("TREE", env!("CARGO_MANIFEST_DIR")).env("TERM", "dumb");
    command.current_dir(operator.home());
    command
}

#[test]
fn the_script_works_in_bash_with_words_that_bash_takes_apart() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    // As readline calls it: the words, the one at the cursor, and what of it is before the cursor.
    for (words, current, expected) in [
        ("tenantctl tenant show glo", "glo", "globex"),
        ("tenantctl session list --tenant = glo", "glo", "globex"),
        ("tenantctl tenant list --status = del", "del", "deleted"),
        ("tenantctl tenant list --status =", "", "provisioning active deleted purging purged"),
        ("tenantctl tenant list --st", "--st", "--status"),
    ] {
        let script = format!(
            "source \"$TREE/completions/tenantctl.bash\"; COMP_TYPE=9; COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _tenantctl tenantctl '{current}' x; \
             echo \"${{COMPREPLY[*]}}\"; complete -p tenantctl"
        );
        let said = shell(&operator, "bash").args(["--norc", "-c", &script]).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        let (offers, rest) = text.split_once('\n').unwrap();
        assert_eq!(offers, expected, "{words}: {said:?}");
        assert!(rest.contains("-F _tenantctl tenantctl"), "{said:?}");
    }
}

#[test]
fn the_script_works_in_fish() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    for (line, expected) in [
        ("tenantctl tenant show glo", "globex\tGlobex\n"),
        ("tenantctl session list --tenant=glo", "--tenant=globex\tGlobex\n"),
        ("tenantctl help tenant sho", "show\tShow a tenant and its last operation\n"),
    ] {
        let script = format!("source $TREE/completions/tenantctl.fish; complete -C '{line}'");
        let said = shell(&operator, "fish").args(["--no-config", "-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), expected, "{line}: {said:?}");
    }
}

#[test]
fn the_script_works_in_zsh_at_the_first_tab() {
    let operator = with_tenants();
    eventually_offers(&operator, "tenantctl tenant show glo", &["globex"]);
    let mut command = shell(&operator, "zsh");
    let tree = env!("CARGO_MANIFEST_DIR");
    std::fs::write(
        operator.home().join(".zshrc"),
        format!(
            "fpath=('{tree}/completions' $fpath)\nautoload -Uz compinit\n\
             compinit -u -d \"$HOME/dump\"\nunsetopt prompt_cr prompt_sp\nPS1='ready> '\n"
        ),
    )
    .unwrap();
    command.env("ZDOTDIR", operator.home()).arg("-i");
    let mut terminal = Terminal::start(&command, 100);
    terminal.sees("ready> ");
    terminal.presses("tenantctl tenant show glo\t");
    terminal.sees("globex");
    terminal.presses("\u{15}tenantctl session list --tenant=glo\t");
    terminal.sees("--tenant=globex");
    terminal.presses("\u{15}exit\r");
    let (_, _) = terminal.end();
}

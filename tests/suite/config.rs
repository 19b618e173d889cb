//! Settings: where each comes from, what is refused about a file, what a protected profile asks
//! for, and what of the environment does not count.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::support::{Operator, Ran, server};

fn write(operator: &Operator, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = operator.home().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// An operator who has no settings at all, the environment's included.
fn bare() -> Operator {
    Operator::unconfigured().without("TENANTCTL_ACTOR")
}

#[test]
fn the_nearest_word_counts_and_verbose_says_whose_it_was() {
    let operator = bare().with("XDG_CONFIG_HOME", "/nowhere");
    let actor_of = |operator: &Operator, flags: &str| -> String {
        let ran = operator.run(&format!("-v {flags} seed list")).success();
        let line = ran.stderr().lines().find(|line| line.starts_with("actor = "));
        line.unwrap_or_else(|| panic!("{ran}")).to_owned()
    };
    assert!(actor_of(&operator, "").ends_with("(from the default)"), "nobody said anything");
    let home = operator.home().to_owned();
    let operator = operator.with("XDG_CONFIG_HOME", home.join("xdg"));
    let user = write(&operator, "xdg/tenantctl/tenantctl.toml", "actor = 'user-file'\n", 0o644);
    assert_eq!(actor_of(&operator, ""), format!("actor = user-file  (from {})", user.display()));
    let text = "actor = 'local-file'\n[profiles.prod]\nactor = 'prod-profile'\n";
    let near = write(&operator, "tenantctl.toml", text, 0o644);
    assert_eq!(actor_of(&operator, ""), format!("actor = local-file  (from {})", near.display()));
    let of_profile = format!("actor = prod-profile  (from [profiles.prod] of {})", near.display());
    assert_eq!(actor_of(&operator, "--profile prod"), of_profile);
    let operator = operator.with("TENANTCTL_PROFILE", "prod");
    assert_eq!(actor_of(&operator, ""), of_profile);
    let operator = operator.with("TENANTCTL_ACTOR", "environment");
    assert_eq!(actor_of(&operator, ""), "actor = environment  (from TENANTCTL_ACTOR)");
    assert_eq!(actor_of(&operator, "--actor flag"), "actor = flag  (from --actor)");
    // A file that is named replaces the others.
    let named = write(&operator, "named.toml", "[profiles.prod]\nplacement = 'database'\n", 0o644);
    let ran = operator.run(&format!("-v --config {} seed list", named.display())).success();
    assert!(ran.stderr().contains("placement = database  (from [profiles.prod]"), "{ran}");
}

#[test]
fn verbose_shows_where_secrets_come_from_and_never_what_they_are() {
    let url = "postgresql://operator:canary-in-url@/cp?host=/nowhere";
    let operator =
        bare().with("TENANTCTL_CONTROL_PLANE_URL", url).with("TENANTCTL_SECRET_KEY", "canary-key");
    let ran = operator.run("-v seed list").success();
    let line = "control_plane_url = postgresql://operator:****@/cp?host=/nowhere  (from TENANTCTL_CONTROL_PLANE_URL)";
    assert!(ran.stderr().contains(line), "{ran}");
    assert!(ran.stderr().contains("secret_key = ••••  (from TENANTCTL_SECRET_KEY)"), "{ran}");
    assert!(!ran.stderr().contains("canary"), "{ran}");
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_name_and_line() {
    let operator = bare();
    let refused = |text: &str, words: &[&str]| {
        write(&operator, "tenantctl.toml", text, 0o600);
        // Even a command that needs no setting says so.
        for line in ["seed list", "tenant list"] {
            let ran = operator.run(&format!("{line} -o json")).fails_with(2);
            let error = ran.error().to_string();
            assert!(error.contains("tenantctl.toml"), "{ran}");
            for word in words {
                assert!(error.contains(word), "{word} in {ran}");
            }
            assert!(!error.contains("canary"), "{ran}");
        }
    };
    refused(
        "actor = 'me'\ncontrol_plan_url = 'x'\n",
        &["line 2", "unknown key `control_plan_url`"],
    );
    refused(
        "\n[profiles.prod]\n\ncanary_key = 'x'\n".replace("canary_key", "color").as_str(),
        &["line 4", "unknown key `color`"],
    );
    refused("actor = 'me'\ncontrol_plane_url = 'postgresql://u:canary@h/d\n", &["line 2"]);
    refused("actor = 5\n", &["line 1: `actor` must be a text"]);
    refused("secret_key = 'canary'\n", &["unknown key `secret_key`"]);
    refused("[profiles.prod]\nprotected = 'yes'\n", &["tenantctl.toml"]);
    refused("actor = 'a'\nactor = 'b'\n", &["line 2"]);
    refused("placement = 'cloud'\n", &["placement", "`cloud`", "`database`"]);
    write(&operator, "tenantctl.toml", &"#".repeat(300_000), 0o600);
    let ran = operator.run("seed list").fails_with(2);
    assert!(ran.stderr().contains("larger than"), "{ran}");
}

#[test]
fn a_password_that_others_can_read_is_refused() {
    let operator = bare();
    let url = "control_plane_url = 'postgresql://operator:canary@/cp?host=/nowhere'\n";
    for mode in [0o644, 0o640, 0o604, 0o620] {
        write(&operator, "tenantctl.toml", url, mode);
        let ran = operator.run("tenant list").fails_with(2);
        assert!(ran.stderr().contains("can be read by others"), "{mode:o}: {ran}");
        assert!(ran.stderr().contains("hint: chmod 600 "), "{ran}");
        assert!(!ran.stderr().contains("canary"), "{ran}");
    }
    write(&operator, "tenantctl.toml", url, 0o600);
    let _ran = operator.run("tenant list").fails_with(7);
    // Without a password, the file may be anybody's to read.
    let open = "control_plane_url = 'postgresql://operator@/cp?host=/nowhere'\n";
    write(&operator, "tenantctl.toml", open, 0o644);
    let _ran = operator.run("tenant list").fails_with(7);
}

#[test]
fn files_that_are_no_plain_files_are_not_followed() {
    let operator = bare();
    let real = write(&operator, "real", "actor = 'me'\n", 0o600);
    let linked = operator.home().join("link.toml");
    symlink(&real, &linked).unwrap();
    let fifo = operator.home().join("fifo.toml");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    for path in [&linked, &fifo, &operator.home().join("missing.toml"), &operator.home().to_owned()]
    {
        let ran = operator.run(&format!("--config {} seed list", path.display())).fails_with(2);
        assert!(ran.stderr().contains(&path.display().to_string()), "{ran}");
    }
    let key = "01".repeat(32);
    let good = write(&operator, "good.key", &key, 0o600);
    let exposed = write(&operator, "exposed.key", &key, 0o644);
    let link = operator.home().join("link.key");
    symlink(&good, &link).unwrap();
    let writable = write(&operator, "writable.key", &key, 0o620);
    // As Docker (0444) and Kubernetes (a link to a file of mode 0440) mount them.
    for (path, code) in
        [(&good, 0), (&exposed, 0), (&link, 0), (&writable, 2), (&operator.home().join("none"), 2)]
    {
        let running =
            operator.start("seed list", &[("TENANTCTL_SECRET_KEY_FILE", path.to_str().unwrap())]);
        let ran = running.wait().fails_with(code);
        let is_told = ran.stderr().contains("can be read by others");
        assert_eq!(is_told, path == &exposed, "{ran}");
    }
}

/// As a container's user, who has no home.
#[test]
fn what_needs_no_home_is_not_refused_without_one() {
    let operator = bare();
    let ordinary = |line: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(operator.command("").get_program()).args(line.split(' ')).env_clear();
        command.env("TENANTCTL_CONTROL_PLANE_URL", "postgresql://u@127.0.0.1:1/d").current_dir("/");
        command.output().unwrap()
    };
    let listed = ordinary("tenant list");
    assert_eq!(listed.status.code(), Some(7), "it got as far as the server: {listed:?}");
    let refused = ordinary("local status");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("TENANTCTL_DATA_DIR"), "{refused:?}");
}

/// Misspelt, a setting would leave the command to another server.
#[test]
fn a_variable_that_is_no_setting_is_told() {
    let operator = bare().with("TENANTCTL_CONTROL_PLAN_URL", "postgresql://u:canary@h/d");
    let ran = operator.run("seed list").success();
    let told = "warning: TENANTCTL_CONTROL_PLAN_URL is set and is no setting; did you mean \
                TENANTCTL_CONTROL_PLANE_URL?";
    assert!(ran.stderr().replace('\n', " ").contains(told), "{ran}");
    assert!(!ran.stderr().contains("canary"), "{ran}");
}

#[test]
fn connection_strings_that_mean_nothing_are_refused_and_never_repeated() {
    for (url, word) in [
        ("canary", "it is not of the form"),
        ("mysql://u:canary@h/d", "it is not of the form"),
        ("postgresql://u:canary@h/", "names no database"),
        ("postgresql://:canary@h/d", "names no user"),
        ("postgresql://u:canary@/d", "names no host"),
        ("postgresql://u:canary@h/d?options=-crow_security%3Doff", "`options` is not supported"),
        ("postgresql://u:canary@h/d?host=/evil", "`host` is not supported"),
        ("postgresql://u:canary@h/d?sslmode=maybe", "sslmode is none of disable"),
        ("postgresql://u:canary@h:99999/d", "it is not of the form"),
        ("postgresql://u:canary@h/d#x", "it is not of the form"),
        ("postgresql://u%0a:canary@h/d", "user name is not valid"),
    ] {
        let operator = bare().with("TENANTCTL_CONTROL_PLANE_URL", url);
        let ran = operator.run("tenant list -o json").fails_with(2);
        let error = ran.error().to_string();
        assert!(error.contains(word), "{url}: {ran}");
        assert!(error.contains("TENANTCTL_CONTROL_PLANE_URL"), "{ran}");
        assert!(!error.contains("canary"), "{ran}");
    }
    let operator = Operator::new().with("TENANTCTL_CLUSTER_URL", "postgresql://u:canary@h/");
    let ran = operator.run("migrate apply --all -o json").fails_with(2);
    assert!(ran.error().to_string().contains("TENANTCTL_CLUSTER_URL"), "{ran}");
}

#[test]
fn a_key_that_is_none_is_refused_before_anything_is_made() {
    let operator = Operator::new();
    let key = write(&operator, "short.key", "0123456789abcdef\n", 0o600);
    let operator = operator.with("TENANTCTL_SECRET_KEY_FILE", key);
    let ran = operator.run("tenant create acme --name Acme -o json").fails_with(2);
    assert!(ran.error()["hint"].to_string().contains("openssl rand"), "{ran}");
    assert_eq!(operator.plane().ask("SELECT count(*) FROM control_plane.tenant_metadata"), "0");
}

#[test]
fn a_protected_profile_wants_to_know_who_and_to_be_asked() {
    let operator = Operator::new().without("TENANTCTL_ACTOR");
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let user = "aaaaaaaa-0000-4000-8000-000000000001";
    write(&operator, "tenantctl.toml", "[profiles.prod]\nprotected = true\n", 0o644);
    let operator = operator.with("TENANTCTL_PROFILE", "prod");
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log";
    let before = operator.plane().ask(rows);
    let refused = |ran: Ran, hint: &str| {
        let ran = ran.fails_with(3);
        assert!(ran.error()["hint"].to_string().contains(hint), "{hint}: {ran}");
        assert_eq!(ran.error()["kind"], "refused");
    };
    for line in [
        "init",
        "tenant create globex --name Globex",
        "tenant protect acme",
        "tenant unprotect acme",
        "tenant rotate acme",
        "tenant restore acme",
        "migrate apply --all",
        "seed apply --all",
        &format!("session issue --user {user} --tenant acme"),
        "session revoke --tenant acme --reason x",
    ] {
        refused(operator.run(&format!("{line} -o json")), "--actor");
        refused(operator.run(&format!("{line} --yes -o json")), "--actor");
        refused(operator.run(&format!("{line} --actor ann -o json")), "--yes");
    }
    refused(operator.run("tenant delete acme --confirm acme -o json"), "--actor");
    refused(operator.run("tenant delete acme --actor ann --yes -o json"), "--confirm acme");
    assert_eq!(operator.plane().ask(rows), before, "nothing was done");
    // Looking needs neither.
    for line in ["tenant list", "tenant show acme", "migrate status", "audit verify"] {
        assert!(matches!(operator.run(line).code(), 0 | 10), "{line}");
    }
    let _ran = operator.run("tenant create globex --name Globex --dry-run").success();
    let _ran = operator.run("tenant protect acme --actor ann --yes").success();
    let actor = operator.plane().ask(
        "SELECT DISTINCT actor FROM control_plane.policy_sync_log WHERE action = 'tenant.protect'",
    );
    assert_eq!(actor, "ann");
}

#[test]
fn a_profile_that_is_nowhere_and_no_settings_at_all_say_what_to_do() {
    let operator = bare();
    let ran = operator.run("--profile staging tenant list -o json").fails_with(2);
    assert!(ran.error()["hint"].to_string().contains("[profiles.staging]"), "{ran}");
    let ran = operator.run("tenant list -o json").fails_with(2);
    assert!(ran.error()["hint"].to_string().contains("tenantctl local up"), "{ran}");
}

/// A parent process must not be able to send an operator's command elsewhere, or to change what it
/// does there.
#[test]
fn what_libpq_would_read_from_the_environment_does_not_count() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    for (name, value) in [
        ("PGHOST", "evil.invalid"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGUSER", "postgres"),
        ("PGPASSWORD", "canary-pgpassword"),
        ("PGDATABASE", "postgres"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/nowhere/evil.pem"),
        ("PGSSLCERT", "/nowhere/evil.pem"),
        ("PGSSLKEY", "/nowhere/evil.pem"),
        ("PGSERVICE", "evil"),
        ("PGPASSFILE", "/nowhere/pgpass"),
        ("PGAPPNAME", "evil"),
        ("PGOPTIONS", "-c default_transaction_read_only=on"),
        ("PGOPTIONS", "-c role=pg_monitor"),
        ("PGOPTIONS", "-c no_such_setting_at_all=on"),
    ] {
        let variables = [(name, value)];
        let line = "tenant protect acme -vvv";
        let ran = operator.start(line, &variables).wait().success();
        assert!(!ran.stderr().contains("canary"), "{ran}");
        // One that enters the tenant's database as well.
        let _ran = operator.start("migrate status --verify", &variables).wait().fails_with(10);
    }
    // One that would only show in what the server saw.
    let variables = [("PGOPTIONS", "-c app.planted=yes"), ("PGAPPNAME", "evil")];
    operator.plane().run(
        "CREATE TABLE public.seen (planted text, name text); \
         CREATE FUNCTION control_plane.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           INSERT INTO public.seen VALUES (current_setting('app.planted', true), \
             current_setting('application_name')); RETURN NEW; END $$; \
         CREATE TRIGGER look BEFORE UPDATE ON control_plane.tenant_metadata \
         FOR EACH ROW EXECUTE FUNCTION control_plane.look()",
    );
    let _ran = operator.start("tenant unprotect acme", &variables).wait().success();
    let seen = operator.plane().ask("SELECT planted, name LIKE 'tenantctl/%' FROM public.seen");
    assert_eq!(seen, "|t");
}

#[test]
fn a_data_dir_and_paths_of_other_kinds_come_from_files_as_well() {
    let operator = Operator::new();
    let set = operator.home().join("sets/mine");
    fs::create_dir_all(&set).unwrap();
    fs::write(set.join("1.sql"), "-- holds: vendors 7\nSELECT 1;\n").unwrap();
    let text = format!("seeds_dir = '{}'\n", set.parent().unwrap().display());
    write(&operator, "tenantctl.toml", &text, 0o644);
    let list = operator.run("seed list -o json").success().json();
    assert_eq!(list["seed_sets"][0]["name"], "mine");
    assert_eq!(list["seed_sets"][0]["holds"][0]["rows"], 7);
    // A URL may stand in a file of its own, for our eyes only.
    let url = server().url("operator", operator.plane_name());
    let file = write(&operator, "plane.url", &format!("{url}\n"), 0o600);
    let operator = operator.without("TENANTCTL_CONTROL_PLANE_URL");
    let _ran = operator.run("tenant list").fails_with(2);
    let text = format!("control_plane_url_file = '{}'\n", file.display());
    write(&operator, "tenantctl.toml", &text, 0o644);
    let _ran = operator.run("tenant list").success();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = operator.run("tenant list").success();
    assert!(ran.stderr().contains("can be read by others"), "{ran}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let _ran = operator.run("tenant list").fails_with(2);
}

/// Where a wrong address is to be corrected.
#[test]
fn a_server_that_is_not_there_names_the_setting_it_is_from() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let wrong = "postgresql://x@127.0.0.1:1/d";
    let named = |operator: &Operator, line: &str| {
        let ran = operator.run(&format!("{line} -o json"));
        let hint = match ran.stdout() {
            "" => ran.error()["hint"].clone(),
            _ => ran.json()["failures"][0]["error"]["hint"].clone(),
        };
        hint.as_str().unwrap_or_default().to_owned()
    };
    let operator = operator.with("TENANTCTL_CLUSTER_URL", wrong);
    let hint = named(&operator, "query --tenant acme 'SELECT 1'");
    assert!(hint.ends_with("from TENANTCTL_CLUSTER_URL"), "{hint}");
    let operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", wrong);
    assert_eq!(named(&operator, "tenant list"), "the address is from TENANTCTL_CONTROL_PLANE_URL");
    let operator = operator.without("TENANTCTL_CONTROL_PLANE_URL");
    let text = format!("[profiles.prod]\ncontrol_plane_url = \"{wrong}\"\n");
    let path = write(&operator, "tenantctl.toml", &text, 0o600);
    let hint = named(&operator, "-p prod tenant list");
    let from = format!("control_plane_url in [profiles.prod] of {}", path.display());
    assert!(hint.ends_with(&from), "{hint}");
}

/// A config file in a folder that may not be entered: who needs it is told, and a lockdown that knows its
/// control plane goes on.
#[test]
fn a_config_file_that_may_not_be_read_stands_in_no_lockdowns_way() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let closed = operator.home().join("closed");
    fs::create_dir(&closed).unwrap();
    let operator =
        operator.with("XDG_CONFIG_HOME", &closed).without("TENANTCTL_SECRET_KEY_FILE").ordinary();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let error = operator.run("-o json unlock acme --yes --reason x").fails_with(2).error();
    assert!(error["hint"].as_str().unwrap().contains("--config"), "{error}");
    let ran = operator.run("lockdown acme --reason x --dry-run").success();
    assert!(ran.stderr().contains("it is passed over"), "{ran}");
}

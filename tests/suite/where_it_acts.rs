//! Every write and every question names the control plane that it acts on; settings, config files and
//! profiles can be shown, and a config file begun.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Operator, Terminal, plain, server};

/// An operator with a profile `production` for the tests' server.
fn with_profile() -> (Operator, String) {
    let operator = Operator::new();
    let url = server().url("operator", operator.plane_name());
    let text = format!("[profiles.production]\ncontrol_plane_url = '{url}'\n");
    fs::write(operator.home().join("tenantctl.toml"), text).unwrap();
    let operator =
        operator.without("TENANTCTL_CONTROL_PLANE_URL").with("TENANTCTL_PROFILE", "production");
    let place = format!("/{}\n", operator.plane_name());
    (operator, place)
}

#[test]
fn a_write_says_where_it_acts_and_a_read_when_it_is_asked() {
    let (operator, place) = with_profile();
    let says = |line: &str| {
        let ran = operator.run(line).success();
        ran.stderr()
            .lines()
            .any(|line| line.starts_with("production · ") && format!("{line}\n").ends_with(&place))
    };
    for write in [
        "init",
        "tenant create acme --name Acme --no-migrate",
        "tenant create globex --name Globex --dry-run",
        "tenant protect acme",
        "migrate apply --all",
        "session revoke --tenant acme --reason x --yes",
    ] {
        assert!(says(write), "{write}");
    }
    for quiet in ["init -q", "tenant list", "tenant show acme", "seed list", "init -o json"] {
        assert!(!says(quiet), "{quiet}");
    }
    assert!(says("-v tenant list"));
    // A script hears it as an event.
    let ran = operator.run("init -o ndjson").success();
    let event: Value = serde_json::from_str(ran.stderr().lines().next().unwrap()).unwrap();
    assert_eq!(event["event"], "control_plane");
    assert_eq!(event["profile"], "production");
    assert_eq!(event["local"], false);
    assert_eq!(event["database"], json!(operator.plane_name()));
}

#[test]
fn a_question_names_where_its_answer_acts() {
    let (operator, _) = with_profile();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let mut terminal =
        Terminal::start(&operator.command("session revoke --tenant acme --reason x"), 200);
    terminal.sees("Revoke every session");
    terminal.types("n");
    let (code, seen) = terminal.end();
    assert_eq!(code, 3, "{seen}");
    let seen = plain(&seen);
    let question = seen.lines().find(|line| line.contains("Revoke every session")).unwrap();
    let place = format!("/{}] ", operator.plane_name());
    assert!(question.contains("[production · ") && question.contains(&place), "{seen}");
}

/// A question says what is at stake; numbers that cannot be had in time neither stop it nor hold it up.
#[test]
fn a_question_has_the_numbers_that_it_is_about() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let user = "7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11";
    let _jti = operator.issue(user, "acme");
    let asked = |operator: &Operator, line: &str, until: &str| {
        let mut terminal = Terminal::start(&operator.command(line), 200);
        terminal.sees(until);
        terminal.types("no");
        let (code, seen) = terminal.end();
        assert_eq!(code, 3, "{seen}");
        let seen = plain(&seen);
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let seen = asked(&operator, "tenant delete acme", "Type `acme`");
    assert!(seen.contains(" MiB sessions 1 valid, and revoked by this"), "{seen}");
    assert!(seen.contains("kept until 20") && seen.contains("tenant restore acme`"), "{seen}");
    let seen = asked(&operator, "tenant delete acme --purge --no-backup", "Type `acme`");
    assert!(seen.contains("kept no: nothing brings it back"), "{seen}");

    let _ran = operator.run("lockdown acme --reason 'key leaked'").success();
    let seen = asked(&operator, "unlock acme --reason over", "its access back?");
    assert!(seen.contains("by tester: key leaked. Give `acme` its access back?"), "{seen}");

    let _ran = operator.run("tenant delete acme --confirm acme").success();
    operator.plane().run("UPDATE control_plane.tenant_metadata SET purge_after = now()");
    let seen = asked(&operator, "tenant purge --due --no-backup", "Type `due`");
    assert!(seen.contains("1 tenant, ") && seen.contains(" MiB"), "{seen}");
    let away = operator.with("TENANTCTL_CLUSTER_URL", "postgresql://u@127.0.0.1:1/d");
    let seen = asked(&away, "tenant purge acme --no-backup", "Type `acme`");
    assert!(seen.contains("size unknown: connect to 127.0.0.1:1"), "{seen}");
}

#[test]
fn what_was_looked_for_in_vain_is_said_on_request() {
    let operator = Operator::unconfigured();
    let near = operator.home().join("tenantctl.toml");
    let ran = operator.run("-v seed list").success();
    assert!(ran.stderr().contains(&format!("no config file {}\n", near.display())), "{ran}");
}

#[test]
fn every_setting_is_shown_with_its_origin_and_no_secret() {
    let operator = Operator::unconfigured()
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://op:canary-url@db.example.com/cp")
        .with("TENANTCTL_SECRET_KEY", "canary-key")
        .without("HOME");
    let ran = operator.run("config show --origin").success();
    assert!(ran.stdout().contains("postgresql://op:****@db.example.com/cp"), "{ran}");
    let json = operator.run("config show -o json").success();
    for ran in [&ran, &json] {
        assert!(!format!("{ran}").contains("canary"), "{ran}");
    }
    let json = json.json();
    let settings = json["settings"].as_array().unwrap();
    let setting = |name: &str| settings.iter().find(|setting| setting["name"] == name).unwrap();
    let origin = &setting("secret_key")["origin"];
    assert_eq!(origin, &json!({ "kind": "environment", "name": "TENANTCTL_SECRET_KEY" }));
    assert_eq!(setting("placement")["origin"], json!({ "kind": "default" }));
    assert_eq!(setting("region")["value"], Value::Null);
    // Every variable of the topic is a setting here.
    let topic = operator.run("help environment").success();
    for setting in settings {
        let variable = setting["variable"].as_str().unwrap();
        assert!(topic.stdout().contains(variable), "{variable}");
    }
}

#[test]
fn a_config_file_is_begun_once_and_can_be_used() {
    let operator = Operator::unconfigured();
    let path = operator.home().join("tenantctl.toml");
    let files = operator.run("config path -o json").success().json();
    assert_eq!(files["config_files"][0], json!({ "path": path, "exists": false }));
    let ran = operator.run("config init --profile production -o json").success();
    assert_eq!(ran.json()["config_file"]["profile"], "production");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = fs::read_to_string(&path).unwrap();
    let again = operator.run("config init --profile production -o json").fails_with(5);
    assert!(again.error()["hint"].to_string().contains("[profiles.production]"), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    // A key counts once it is no comment any more.
    let free = ["actor", "organization", "region", "data_dir", "postgres_bin", "seeds_dir"];
    let uncommented = free.iter().fold(written, |text, key| {
        text.replace(&format!("# {key} = \"\""), &format!("{key} = 'x'"))
    });
    fs::write(&path, uncommented).unwrap();
    let operator = ["ACTOR", "DATA_DIR", "POSTGRES_BIN"]
        .iter()
        .fold(operator, |operator, name| operator.without(&format!("TENANTCTL_{name}")));
    let json = operator.run("config show --profile production -o json").success().json();
    let settings = json["settings"].as_array().unwrap();
    let of_profile = settings.iter().filter(|s| s["origin"]["profile"] == "production");
    assert_eq!(of_profile.count(), free.len(), "{json}");
    let other = operator.home().join("other.toml");
    let line = format!("config init --config {}", other.display());
    let _ran = operator.run(&line).success();
    assert!(other.exists());
    let _ran = operator.run("config init -p 'a]b' --config x.toml").fails_with(2);
}

#[test]
fn profiles_are_listed_with_where_they_lead() {
    let operator = Operator::unconfigured().with("TENANTCTL_PROFILE", "production");
    let secret = operator.home().join("url");
    fs::write(&secret, "postgresql://op:canary@db.example.com:6543/postgres\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[profiles.production]\nprotected = true\ncontrol_plane_url_file = '{}'\n\
         [profiles.broken]\ncontrol_plane_url_file = '/nowhere/url'\n[profiles.empty]\n",
        secret.display()
    );
    fs::write(operator.home().join("tenantctl.toml"), text).unwrap();
    let ran = operator.run("profile list").success();
    assert!(ran.stdout().contains("db.example.com:6543/postgres"), "{ran}");
    assert!(ran.stdout().contains("protected"), "{ran}");
    let ran = operator.run("profile list -o json").success();
    assert!(!ran.stdout().contains("canary"), "{ran}");
    let json = ran.json();
    assert_eq!(
        json["profiles"][2],
        json!({
            "name": "production", "chosen": true, "protected": true, "local": false,
            "host": "db.example.com:6543", "database": "postgres", "problem": null,
        })
    );
    assert_eq!(json["profiles"][0]["name"], "broken");
    assert!(json["profiles"][0]["problem"].to_string().contains("/nowhere/url"), "{ran}");
    assert_eq!(json["profiles"][1]["host"], Value::Null);
}

#[test]
fn a_name_that_is_mistyped_leads_to_the_one_that_was_meant() {
    let (operator, _) = with_profile();
    for slug in ["t01", "globex"] {
        let line = format!("tenant create {slug} --name X --no-migrate");
        let _ran = operator.run(&line).success();
    }
    let user = "aaaaaaaa-0000-4000-8000-000000000001";
    for line in [
        "tenant show t0l",
        "tenant url tO1",
        "tenant delete t0l --confirm t0l",
        "member list t0l",
        "lockdown t0l --reason x",
        "audit list --tenant t0l",
        "session list --tenant t0l",
        &format!("session issue --user {user} --tenant t0l"),
        "migrate apply --tenant globex,t0l",
        "migrate apply --all --exclude t0l",
    ] {
        let line = line.replace("tO1", "t0l");
        let ran = operator.run(&format!("{line} -o json")).fails_with(4);
        assert_eq!(ran.error()["hint"], "did you mean `t01`?", "{ran}");
    }
    // Nothing is like it: the way to see what there is.
    let ran = operator.run("tenant show umbrella -o json").fails_with(4);
    assert_eq!(ran.error()["hint"], "tenantctl tenant list", "{ran}");
    let ran = operator.run("-p prodution tenant list -o json").fails_with(2);
    assert_eq!(ran.error()["hint"], "did you mean `production`?", "{ran}");
    let ran = operator.run("seed apply --all --set dmeo -o json").fails_with(4);
    assert_eq!(ran.error()["hint"], "did you mean `demo`?", "{ran}");
}

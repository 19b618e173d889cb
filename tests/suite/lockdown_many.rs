//! `lockdown`, `unlock` and `session revoke` on many tenants, and who is locked.

use serde_json::Value;

use crate::support::lockdown::assert_open;
use crate::support::{Operator, Session, server};

const ANN: &str = "7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11";

fn with_tenants(slugs: &[&str]) -> Operator {
    let operator = Operator::new();
    for slug in slugs {
        let _ran = operator.run(&format!("tenant create {slug} --name {slug}")).success();
    }
    operator
}

/// Returns `slug:word` of every item of a list.
fn words(document: &Value, list: &str, word: impl Fn(&Value) -> String) -> String {
    let items = document[list].as_array().unwrap_or_else(|| panic!("no {list} in {document}"));
    let slug = |item: &Value| item["tenant"]["slug"].as_str().unwrap().to_owned();
    items.iter().map(|item| format!("{}:{}", slug(item), word(item))).collect::<Vec<_>>().join(" ")
}

fn proven(item: &Value) -> String {
    item["proven"].as_bool().unwrap().to_string()
}

#[test]
fn many_are_locked_proved_and_given_back_side_by_side() {
    let operator = with_tenants(&["acme", "globex", "initech"]);
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant update {slug} --label tier=gold")).success();
    }
    let url = |slug: &str| operator.run(&format!("tenant url {slug} --reveal")).success();
    let urls: Vec<_> =
        ["acme", "globex", "initech"].map(|slug| url(slug).stdout().trim().to_owned()).into();

    let planned = operator.run("-o json lockdown --label tier=gold --reason r --dry-run").success();
    assert_eq!(planned.json()["plans"].as_array().unwrap().len(), 2);
    assert_eq!(
        operator.run("tenant list --locked -o json").success().json()["tenants"],
        serde_json::json!([])
    );

    let ran = operator.run("-o json lockdown --label tier=gold --reason 'key leaked'").success();
    assert_eq!(words(&ran.json(), "lockdowns", proven), "acme:true globex:true");
    for url in &urls[..2] {
        assert!(Session::at(url).err().unwrap().starts_with("28000"), "{url}");
    }
    assert_open(&urls[2], &operator.tenant("initech").id);
    let listed = operator.run("tenant list --locked -o json").success().json();
    for tenant in listed["tenants"].as_array().unwrap() {
        let lock = &tenant["lock"];
        assert_eq!(
            (&lock["reason"], tenant["status"].as_str()),
            (&"key leaked".into(), Some("active"))
        );
        assert!(lock["proven_at"].is_string() && lock["since"].is_string(), "{lock}");
        assert!(lock["by"].as_str().is_some_and(|by| !by.is_empty()), "{lock}");
    }
    assert_eq!(listed["tenants"].as_array().unwrap().len(), 2);

    // By hand, one after the other, or by what they have in common.
    let ran = operator.run("-o json --yes unlock --locked --reason over").success();
    let changed = |item: &Value| item["changed"].as_bool().unwrap().to_string();
    assert_eq!(words(&ran.json(), "unlocks", changed), "acme:true globex:true");
    for (url, slug) in urls.iter().zip(["acme", "globex", "initech"]) {
        assert_open(url, &operator.tenant(slug).id);
    }
    let _ran = operator.run("lockdown acme globex --reason r").success();
    let _ran = operator.run("lockdown --locked --exclude nosuch --reason r").fails_with(4);
    let _ran = operator.run("--yes unlock acme initech --reason r").success();
    assert!(!operator.tenant("acme").is_locked && operator.tenant("globex").is_locked);
}

#[test]
fn one_that_still_lets_in_is_named_and_stays_unproven_until_a_lockdown_proved_it() {
    let operator = with_tenants(&["acme", "globex"]);
    let database = operator.tenant("globex").database;
    let mut owner = server().superuser("postgres");
    // A login that a superuser gave its own way in: the operator's role may not take it away.
    owner.run(&format!("ALTER ROLE \"{database}\" SUPERUSER"));
    let ran = operator.run("lockdown --all --reason leak --timeout 5s").fails_with(12);
    let text = ran.stdout();
    assert!(text.contains("1 NOT locked down") || text.contains("not proved"), "{text}");
    let shown = operator.run("tenant show globex").success();
    assert!(shown.stdout().contains("NOT proved"), "{shown}");
    let listed = operator.run("tenant list --locked").success();
    let row = listed.stdout().lines().find(|line| line.contains("globex")).unwrap();
    assert!(
        row.contains("locked unproven") && row.contains("no  ") && row.ends_with("leak"),
        "{row}"
    );
    let head = listed.stdout().lines().next().unwrap();
    let head: Vec<_> = head.split_whitespace().collect();
    assert_eq!(head, ["SLUG", "NAME", "STATUS", "LOCKED", "PROVED", "BY", "REASON"]);
    // A monitor is told as well; that somebody has to look at it fails nothing.
    let health = operator.run("health -o json").success().json();
    let facts = ["tenants", "locked", "locked_unproven", "behind", "due"];
    assert_eq!(facts.map(|fact| health["fleet"][fact].as_i64().unwrap()), [2, 2, 1, 0, 0]);
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET schema_fingerprint = 'old' WHERE slug = 'acme'",
    );
    let health = operator.run("health --color always").success();
    for told in ["2 locked\u{1b}", "\u{1b}[31m1 of them unproven", "1 behind", "\u{1b}[32mok"] {
        assert!(health.stdout().contains(told), "{told}: {health}");
    }
    owner.run(&format!("ALTER ROLE \"{database}\" NOSUPERUSER"));
    let ran = operator.run("-o json lockdown globex --reason leak").success().json();
    assert!(ran["tenant"]["lock"]["proven_at"].is_string(), "{ran}");
}

#[test]
fn a_lock_is_found_in_whatever_status_and_a_tenant_by_its_id() {
    let operator = with_tenants(&["acme", "gone"]);
    operator.plane().run(
        "INSERT INTO control_plane.tenant_metadata (tenant_id, slug, name, placement) \
         VALUES ('a47fac21-3f6e-4c1e-9a57-0c8d5d2a4e11', 'newone', 'New', 'database')",
    );
    let _ran = operator.run("tenant delete gone --confirm gone").success();
    let id = operator.tenant("acme").id;
    for named in [id.as_str(), "gone", "a47fac21-3f6e-4c1e-9a57-0c8d5d2a4e11"] {
        let ran = operator.run(&format!("-o json lockdown {named} --reason r"));
        assert!(ran.json()["tenant"]["lock"].is_object(), "{named}");
    }
    let listed = operator.run("tenant list --locked -o json").success().json();
    let status = |tenant: &Value| {
        format!("{}:{}", tenant["slug"].as_str().unwrap(), tenant["status"].as_str().unwrap())
    };
    let found: Vec<_> = listed["tenants"].as_array().unwrap().iter().map(status).collect();
    assert_eq!(found, ["acme:active", "gone:deleted", "newone:provisioning"]);
    // Whatever takes a slug takes the id.
    for line in [
        "tenant show ID",
        "tenant url ID",
        "session list --tenant ID",
        "audit list --tenant ID",
        "member list ID",
        "migrate status --tenant ID --exclude gone",
        "--yes unlock ID --reason r",
        "session issue --tenant ID --user 7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11",
        "--yes session revoke --tenant ID --reason r",
        "tenant delete ID --confirm ID",
        "tenant restore ID",
    ] {
        let _ran = operator.run(&line.replace("ID", &id)).success();
    }
    let _ran = operator.run("tenant show b47fac21-3f6e-4c1e-9a57-0c8d5d2a4e11").fails_with(4);
}

#[test]
fn sessions_of_many_tenants_are_revoked_at_once_and_a_stranger_is_said_to_be_one() {
    let operator = with_tenants(&["acme", "globex", "initech"]);
    let ids: Vec<_> = ["acme", "globex", "initech"].map(|slug| operator.issue(ANN, slug)).into();
    let line = "-o json session revoke --tenant acme,globex --reason leak";
    let planned = operator.run(&format!("{line} --dry-run")).success().json();
    let sessions = |item: &Value| item["sessions"].as_i64().unwrap().to_string();
    assert_eq!(words(&planned, "revocations", sessions), "acme:1 globex:1");
    let ran = operator.run(&format!("{line} --yes")).success().json();
    assert_eq!(words(&ran, "revocations", sessions), "acme:1 globex:1");
    let state = |jti: &str| {
        operator.plane().value::<String>(&format!("SELECT control_plane.session_state('{jti}')"))
    };
    assert_eq!(
        [&ids[0], &ids[1], &ids[2]].map(|jti| state(jti)),
        ["tenant_revoked", "tenant_revoked", "valid"]
    );
    let user = format!("-o json --yes session revoke --user {ANN} --all --reason leak");
    assert_eq!(
        words(&operator.run(&user).success().json(), "revocations", sessions),
        "acme:0 globex:0 initech:1"
    );
    let stranger = "00000000-3f6e-4c1e-9a57-0c8d5d2a4e11";
    let ran = operator.run(&format!("--yes session revoke --user {stranger} --reason r")).success();
    assert!(ran.stdout().contains("never seen here"), "{}", ran.stdout());
    let ran = operator.run(&format!("session list --user {stranger}")).success();
    assert!(ran.stderr().contains("never seen here"), "{}", ran.stderr());
}

#[test]
fn a_protected_profile_stands_in_no_lockdowns_way() {
    let operator = with_tenants(&["acme"]).without("TENANTCTL_ACTOR");
    std::fs::write(operator.home().join("tenantctl.toml"), "[profiles.prod]\nprotected = true\n")
        .unwrap();
    let operator = operator.with("TENANTCTL_PROFILE", "prod");
    let ran = operator.run("--no-input -o json lockdown acme --reason leak").success();
    let by = ran.json()["tenant"]["lock"]["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("login "), "{by}");
    let _ran = operator.run("--no-input unlock acme --reason over").fails_with(3);
}

#[test]
fn without_its_control_plane_a_tenant_is_shut_from_the_cluster_and_taken_over_later() {
    let operator = with_tenants(&["acme", "globex"]);
    let url = |slug: &str| {
        let ran = operator.run(&format!("tenant url {slug} --reveal")).success();
        ran.stdout().trim().to_owned()
    };
    let urls = [url("acme"), url("globex")];
    let ids = ["acme", "globex"].map(|slug| operator.tenant(slug).id);
    let jti = operator.issue(ANN, "acme");
    let plane = server().url("operator", operator.plane_name());
    let away = operator
        .with("TENANTCTL_CLUSTER_URL", &plane)
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://nobody@127.0.0.1:1/gone");
    let ran = away.run("lockdown acme --reason leak").fails_with(7);
    assert!(ran.stderr().contains("nothing was locked"), "{ran}");
    assert!(ran.stderr().contains("--without-control-plane"), "{ran}");

    let both = format!("lockdown {} {} --reason leak --without-control-plane", ids[0], ids[1]);
    let planned = away.run(&format!("-o json {both} --dry-run")).success().json();
    assert_eq!(planned["shut"].as_array().unwrap().len(), 2, "{planned}");
    assert!(urls.iter().all(|url| Session::at(url).is_ok()), "a dry run shuts nothing");
    // A name that is nobody's stops it before any is shut.
    let slip =
        format!("-o json lockdown {} nobody-at-all --reason r --without-control-plane", ids[0]);
    assert_eq!(away.run(&slip).fails_with(4).error()["kind"], "not_found");
    assert!(urls.iter().all(|url| Session::at(url).is_ok()), "nothing is shut");
    for _again in 0..2 {
        let ran = away.run(&format!("-o json {both}")).fails_with(12);
        let document = ran.json();
        for shut in document["shut"].as_array().unwrap() {
            assert_eq!(shut["probes"][0]["outcome"], "refused", "{shut}");
            assert_eq!(shut["layers"][0]["outcome"], "not_covered", "{shut}");
        }
        for url in &urls {
            assert!(Session::at(url).err().unwrap().starts_with("28000"), "{url}");
        }
    }
    let ran = away.run(&format!("lockdown {} --reason r --without-control-plane", ids[0]));
    assert!(ran.fails_with(12).stdout().contains("NOT locked in the control plane"));
    let stranger = "lockdown nobody-at-all --reason r --without-control-plane";
    let _ran = away.run(stranger).fails_with(4);

    // The control plane answers again. It knows of nothing; a lockdown takes the one over, an unlock
    // the other, and what both give back is what was there before.
    let operator = away.with("TENANTCTL_CONTROL_PLANE_URL", &plane);
    let state = |jti: &str| {
        operator.plane().value::<String>(&format!("SELECT control_plane.session_state('{jti}')"))
    };
    assert_eq!(state(&jti), "valid", "nobody told the control plane");
    let ran = operator.run("lockdown acme --reason leak").success();
    assert!(ran.stdout().contains("shut without the control plane since"), "{ran}");
    assert_eq!(state(&jti), "tenant_locked");
    let taken_over = |slug: &str| {
        operator.plane().ask(&format!(
            "SELECT count(*) FROM control_plane.policy_sync_log WHERE target = '{slug}' \
             AND action = 'tenant.lockdown' AND detail ? 'shut_without_control_plane'"
        ))
    };
    assert_eq!(taken_over("acme"), "1");
    let _ran = operator.run("lockdown acme --reason leak").success();
    assert_eq!(taken_over("acme"), "1", "the note went with it");
    // What was shut so stays shut through a delete and a restore, until somebody unlocks it.
    let _ran = operator.run("tenant delete globex --confirm globex").success();
    let ran = operator.run("tenant restore globex").success();
    assert!(ran.stderr().contains("stays shut, as tester left it"), "{ran}");
    assert!(Session::at(&urls[1]).err().unwrap().starts_with("28000"));
    let ran = operator.run("-o json --yes unlock globex --reason over").success();
    assert_eq!(ran.json()["changed"], true, "{ran}");
    assert_eq!(taken_over("globex"), "1");
    let _ran = operator.run("--yes unlock acme --reason over").success();
    for (url, id) in urls.iter().zip(&ids) {
        assert_open(url, id);
    }
    let again = operator.run("-o json --yes unlock acme globex --reason over").success().json();
    let changed = |item: &Value| item["changed"].as_bool().unwrap().to_string();
    assert_eq!(words(&again, "unlocks", changed), "acme:false globex:false");
}

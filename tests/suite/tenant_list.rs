//! `tenant list`: the record beside what is there, in both places.

use serde_json::{Value, json};

use crate::support::{Operator, server};

use super::project::operator as operator_of_projects;

fn listed(operator: &Operator, more: &str) -> Value {
    operator.run(&format!("tenant list {more} -o json")).success().json()
}

fn presence(list: &Value, slug: &str) -> Value {
    let tenants = list["tenants"].as_array().unwrap();
    tenants.iter().find(|tenant| tenant["slug"] == slug).unwrap()["presence"].clone()
}

#[test]
fn what_is_on_one_side_only_is_marked() {
    let operator = Operator::new();
    for slug in ["here", "lost", "taken"] {
        let _ran = operator.run(&format!("tenant create {slug} --name X --no-migrate")).success();
    }
    let seen = listed(&operator, "");
    assert_eq!(presence(&seen, "here")["outcome"], "found");
    assert_eq!(seen["unrecorded"], json!([]), "other control planes' databases are not ours");

    let lost = operator.tenant("lost").database;
    let taken = operator.tenant("taken").database;
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("DROP DATABASE {lost} WITH (FORCE)"));
    superuser.run(&format!("COMMENT ON DATABASE {taken} IS 'billing'"));
    // As after a restore of the control plane from before this tenant was created.
    let ghost = server().new_database();
    let plane: String =
        operator.plane().value("SELECT control_plane_id::text FROM control_plane.identity");
    let id = "11111111-2222-4333-8444-555555555555";
    let stamp = json!({ "tenantctl":
        { "tenant_id": id, "slug": "ghost", "control_plane_id": plane } });
    superuser.run(&format!("COMMENT ON DATABASE {ghost} IS '{stamp}'"));

    let seen = listed(&operator, "");
    assert_eq!(presence(&seen, "here")["outcome"], "found");
    assert_eq!(presence(&seen, "lost")["outcome"], "missing");
    assert_eq!(presence(&seen, "taken")["outcome"], "contradicted");
    let unrecorded = seen["unrecorded"].as_array().unwrap();
    assert_eq!(unrecorded.len(), 1, "{seen}");
    assert_eq!(unrecorded[0]["tenant"]["slug"], "ghost");
    assert_eq!(unrecorded[0]["tenant"]["id"], id);
    assert_eq!(unrecorded[0]["database"], ghost.as_str());

    let table = operator.run("tenant list").success();
    let line = |slug: &str| table.stdout().lines().find(|line| line.starts_with(slug)).unwrap();
    assert!(line("lost").contains("active, missing"), "{table}");
    assert!(line("ghost").contains("not recorded"), "{table}");
    assert!(!line("here").contains(','), "{table}");
    assert!(table.stderr().contains("2 recorded and not found as recorded"), "{table}");
    // One alone is looked at in the same way, and says what was last done to it, whatever that was.
    let shown = operator.run("tenant show lost").success();
    assert!(shown.stdout().contains("active, missing"), "{shown}");
    assert!(shown.stdout().contains("tenant.create, done, by tester"), "{shown}");
    assert!(shown.stdout().contains("Activate the tenant"), "its steps: {shown}");
    let _ran = operator.run("tenant protect here").success();
    let shown = operator.run("tenant show here").success();
    assert!(shown.stdout().contains("tenant.protect, done, by tester"), "{shown}");
    assert!(
        !shown.stdout().contains("activate"),
        "the steps of its making are not the last: {shown}"
    );
    let document = operator.run("tenant show taken -o json").success().json();
    assert_eq!(document["tenant"]["presence"]["outcome"], "contradicted");
    assert_eq!(document["last_act"]["action"], "tenant.create");
    let lines = operator.run("tenant list -o ndjson").success();
    let newest = lines.stdout().lines().rev().nth(1).unwrap();
    let newest: Value = serde_json::from_str(newest).unwrap();
    assert_eq!(newest["unrecorded"]["tenant"]["slug"], "ghost");

    // A part of the list says nothing about what is in no list, and the record alone asks nobody.
    assert_eq!(listed(&operator, "--search lost")["unrecorded"], json!([]));
    let away = operator.with("TENANTCTL_CLUSTER_URL", "postgresql://x:y@127.0.0.1:1/postgres");
    let recorded = away.run("tenant list --recorded -o json").success();
    assert_eq!(presence(&recorded.json(), "lost")["outcome"], "unknown");
    assert_eq!(recorded.stderr(), "");
    let blind = away.run("tenant list -o json").success();
    assert_eq!(presence(&blind.json(), "lost")["outcome"], "unknown");
    assert!(blind.stderr().contains("the cluster: not looked at"), "{blind}");
}

#[test]
fn projects_are_compared_with_the_organizations() {
    let (fake, operator) = operator_of_projects();
    for slug in ["here", "lost"] {
        let _ran = operator.run(&format!("tenant create {slug} --name X --no-migrate")).success();
    }
    let ghost = fake.put_project("ghost-tctl-11111111222243338444555555555555");
    let _foreign = fake.put_project("marketing-site");
    let of = |slug: &str| {
        let projects = fake.projects();
        projects.into_iter().find(|(_, name)| name.starts_with(slug)).unwrap().0
    };
    fake.disturb(&of("lost"), true);
    fake.disturb(&of("here"), false);
    let seen = listed(&operator, "");
    assert_eq!(presence(&seen, "lost")["outcome"], "missing");
    assert_eq!(presence(&seen, "here")["project_status"], "INACTIVE");
    let unrecorded = seen["unrecorded"].as_array().unwrap();
    assert_eq!(unrecorded.len(), 1, "{seen}");
    assert_eq!(unrecorded[0]["project_ref"], ghost.as_str());
    let table = operator.run("tenant list").success();
    assert!(table.stdout().contains("active, INACTIVE"), "{table}");

    fake.fail(json!({ "on": "GET /v1/organizations/{slug}/projects", "do": "status",
        "status": 403, "message": "not allowed" }));
    let blind = operator.run("tenant list -o json").success();
    assert_eq!(presence(&blind.json(), "lost")["outcome"], "unknown");
    assert!(blind.stderr().contains("the Supabase projects: not looked at"), "{blind}");
}

#[test]
fn a_list_is_sorted_cut_and_picked_as_asked_for_in_every_shape() {
    let operator = Operator::new();
    for (slug, plan) in [("globex", "pro"), ("acme", "free"), ("initech", "pro")] {
        let line = format!("tenant create {slug} --name 'The, {slug}' --plan {plan} --no-migrate");
        let _ran = operator.run(&line).success();
    }
    let csv =
        operator.run("tenant list -o csv --columns slug,name --sort plan --limit 2").success();
    assert_eq!(csv.stdout(), "slug,name\r\nacme,\"The, acme\"\r\nglobex,\"The, globex\"\r\n");
    assert_eq!(csv.stderr(), "");
    let listed = operator.run("tenant list -o json --sort slug:desc --limit 2").success().json();
    let slugs: Vec<_> =
        listed["tenants"].as_array().unwrap().iter().map(|tenant| &tenant["slug"]).collect();
    assert_eq!(slugs, ["initech", "globex"]);
    assert_eq!(listed["summary"]["count"], 2);
    let table = operator.run("tenant list --columns slug --sort slug").success();
    assert_eq!(table.stdout(), "SLUG\nacme\nglobex\ninitech\n");
    let lines = operator.run("tenant list -o ndjson --sort slug:desc --limit 1").success();
    assert_eq!(lines.stdout().lines().count(), 2, "{lines}");

    let none = operator.run("tenant list --plan enterprise").success();
    assert_eq!((none.stdout(), none.stderr()), ("", "None of 3 tenants match.\n"));
    let none = operator.run("tenant list --plan enterprise -o csv --columns slug").success();
    assert_eq!(none.stdout(), "slug\r\n");
    let refused = operator.run("tenant list --sort size").fails_with(2);
    assert!(refused.stderr().contains("slug, name, status"), "{refused}");
    // What has no list is refused before anything is contacted.
    let refused = operator.run("tenant protect acme -o csv").fails_with(2);
    assert!(refused.stderr().contains("-o json"), "{refused}");
    let shown = operator.run("tenant show acme -o json").success().json();
    assert_eq!(shown["tenant"]["protected"], false);
}

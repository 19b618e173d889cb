//! Placement `project`: the same life of a tenant, in a Supabase project of its own.

use serde_json::json;

use crate::support::management::{Fake, ORGANIZATION, TOKEN};
use crate::support::{Operator, Session, server};

/// Returns a fake and an operator who uses it, in a hurry.
pub(crate) fn operator() -> (Fake, Operator) {
    let fake = Fake::start(server().programs(), 0);
    let operator = Operator::new()
        .with("TENANTCTL_MANAGEMENT_API_URL", fake.url())
        .with("SUPABASE_ACCESS_TOKEN", TOKEN)
        .with("TENANTCTL_ORGANIZATION", ORGANIZATION)
        .with("TENANTCTL_PLACEMENT", "project")
        .with("TENANTCTL_HASTE", "20");
    (fake, operator)
}

/// Logs in as the tenant's application, as `tenant url` says.
pub(crate) fn login(operator: &Operator, slug: &str) -> Result<Session, String> {
    let url = operator.run(&format!("tenant url {slug} --reveal")).success();
    Session::at(url.stdout())
}

fn field(operator: &Operator, slug: &str, column: &str) -> String {
    operator.plane().value(&format!(
        "SELECT coalesce({column}::text, '') FROM control_plane.tenant_metadata \
         WHERE slug = '{slug}' ORDER BY created_at DESC LIMIT 1"
    ))
}

#[test]
fn a_tenant_lives_its_whole_life_in_a_project() {
    let (fake, operator) = operator();
    let made = operator.run("tenant create acme --name 'Acme Ltd' --seed -o json").success().json();
    let id = made["tenant"]["id"].as_str().unwrap().replace('-', "");
    let projects = fake.projects();
    assert_eq!(projects.len(), 1);
    let (reference, name) = &projects[0];
    assert_eq!(*name, format!("acme-tctl-{id}"));
    assert_eq!(made["tenant"]["project_ref"], json!(reference));
    assert_eq!(made["tenant"]["database"], "postgres");
    assert_eq!(made["tenant"]["region"], "eu-central-1", "the region it came to be in");
    let steps = made["steps"].as_array().unwrap();
    let words: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    let expected = [
        "reserve", "place", "await", "secure", "register", "migrate", "seed", "verify", "activate",
    ];
    assert_eq!(words, expected);
    // The same again says so, and asks for nothing.
    let again = operator.run("tenant create acme --name 'Acme Ltd' --seed -o json").success();
    assert_eq!(again.json()["outcome"], "already_there");
    assert_eq!(fake.asked("POST /v1/projects").len(), 1);

    let tenant_id = made["tenant"]["id"].as_str().unwrap();
    let mut application = login(&operator, "acme").unwrap();
    application.run(&format!("SET app.current_tenant_id = '{tenant_id}'"));
    assert!(application.value::<i64>("SELECT count(*) FROM vendors") > 0);
    let _ran = operator.run("migrate status --all --verify").success();

    let _ran = operator.run("tenant delete acme --confirm acme").success();
    assert!(!application.is_alive(), "its sessions ended");
    let restored = operator.run("tenant restore acme").success();
    assert!(restored.stdout().contains("active"), "{restored}");
    assert!(login(&operator, "acme").is_ok());
    let _ran = operator.run("tenant rotate acme").success();
    assert!(login(&operator, "acme").is_ok());

    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert_eq!(fake.projects(), []);
    assert_eq!(field(&operator, "acme", "status"), "purged");
    let _ran = operator.run("audit verify").success();
    fake.assert_true_to_the_document();
}

#[test]
fn nothing_is_contacted_without_a_token_and_a_dry_run_changes_nothing() {
    let (fake, operator) = operator();
    let plan = operator.run("tenant create acme --name Acme --dry-run -o json").success().json();
    assert!(plan["plan"]["steps"].as_array().unwrap().contains(&json!("await")), "{plan}");
    let operator = operator.without("SUPABASE_ACCESS_TOKEN");
    let refused = operator.run("tenant create acme --name Acme -o json").fails_with(2);
    assert!(refused.error()["hint"].as_str().unwrap().contains("SUPABASE_ACCESS_TOKEN_FILE"));
    assert_eq!(fake.asked("POST /v1/projects").len(), 0);
}

#[test]
fn a_refused_token_is_denied_and_nothing_was_made() {
    let (fake, operator) = operator();
    let operator = operator.with("SUPABASE_ACCESS_TOKEN", "sbp_wrong");
    let ran = operator.run("tenant create acme --name Acme -o json").fails_with(6);
    assert_eq!(ran.error()["kind"], "denied");
    assert!(!ran.stderr().contains("sbp_wrong"), "{ran}");
    assert_eq!(fake.projects(), []);
}

#[test]
fn where_the_direct_host_is_out_of_reach_the_pooler_is_used() {
    let (fake, operator) = operator();
    fake.set(&json!({ "hides_direct_host": true }));
    let _ran = operator.run("tenant create acme --name Acme").success();
    let reference = fake.projects()[0].0.clone();
    let url = operator.run("tenant url acme").success();
    assert!(url.stdout().contains(&format!(".{reference}:****@")), "{url}");
    assert!(url.stdout().contains(":5432/"), "session mode, never 6543: {url}");
    assert!(login(&operator, "acme").is_ok());
    let _ran = operator.run("migrate status --all --verify").success();
    let _ran = operator.run("tenant delete acme --confirm acme").success();
}

#[test]
fn with_an_authority_databases_are_verified_by_it_and_never_entered_in_the_clear() {
    let (fake, operator) = operator();
    let (right, wrong) = (operator.home().join("ca.crt"), operator.home().join("other.crt"));
    std::fs::write(&right, fake.authority()).unwrap();
    let other = Fake::start(server().programs(), 0);
    std::fs::write(&wrong, other.authority()).unwrap();
    let operator = operator.with("TENANTCTL_PROJECT_ROOT_CERT", &right);
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let url = operator.run("tenant url acme --reveal").success();
    assert!(url.stdout().contains("sslmode=verify-full"), "{}", url.stdout().len());
    let is_tls: bool = login(&operator, "acme").unwrap().value("SELECT true");
    assert!(is_tls);
    let migrate = "migrate apply --tenant acme -o json";
    let operator = operator.with("TENANTCTL_PROJECT_ROOT_CERT", &wrong);
    let ran = operator.run(migrate);
    assert_ne!(ran.code(), 0, "{ran}");
    assert!(format!("{ran}").contains("certificate"), "{ran}");
    let missing = operator.home().join("nowhere.crt");
    let operator = operator.with("TENANTCTL_PROJECT_ROOT_CERT", &missing);
    assert_ne!(operator.run(migrate).code(), 0);
    // A server that speaks no TLS is not entered.
    fake.set(&json!({ "refuses_tls": true }));
    let operator = operator.with("TENANTCTL_PROJECT_ROOT_CERT", &right);
    let ran = operator.run("tenant create clear --name X --timeout 15s -o json");
    assert_ne!(ran.code(), 0, "{ran}");
    assert!(ran.stderr().contains("the server offers no TLS"), "{ran}");
    let operator = operator.with("TENANTCTL_PROJECT_ROOT_CERT", &right);
    let _ran = operator.run(migrate).success();
}

#[test]
fn where_login_roles_are_refused_the_password_is_reset_and_forgotten() {
    let (fake, operator) = operator();
    fake.set(&json!({ "refuses_login_roles": true }));
    let ran = operator.run("tenant create acme --name Acme").success();
    assert!(!fake.asked("PATCH /v1/projects/{ref}/database/password").is_empty());
    assert!(!ran.stderr().contains("password '"), "{ran}");
    assert!(login(&operator, "acme").is_ok());
}

#[test]
fn no_wait_leaves_an_operation_that_the_same_command_continues() {
    let (fake, operator) = operator();
    fake.set(&json!({ "is_stuck": true }));
    let line = "tenant create acme --name Acme --no-wait -o json";
    let ran = operator.run(line).success().json();
    assert_eq!(ran["outcome"], "asked_for");
    assert_eq!((&ran["tenant"]["status"], &ran["url"]), (&"provisioning".into(), &json!(null)));
    // Nothing of it reads as a failure, there or in the record.
    let text = operator.run("tenant create acme --name Acme --no-wait").success();
    assert!(text.stdout().contains("asked for; the same command goes on with it"), "{text}");
    assert!(!text.stderr().contains('✗') && !text.stderr().contains("error"), "{text}");
    let shown = operator.run("tenant show acme").success();
    assert!(shown.stdout().contains("at the step `Wait until it works`"), "{shown}");
    let audit = operator.run("audit list --tenant acme -o json").success().json();
    assert_eq!(audit["entries"][0]["outcome"], "done", "{audit}");
    fake.set(&json!({ "is_stuck": false, "coming_up_ms": 0 }));
    let _ran = operator.run(line).success();
    assert_eq!(fake.asked("POST /v1/projects").len(), 1);
}

//! `tenant adopt`: what exists already is adopted, once, and never when it is another's.

use crate::support::{Operator, server};

use super::project::{login, operator};

#[test]
fn a_database_of_the_cluster_is_adopted() {
    let operator = Operator::new();
    let name = server().new_database();
    server().operator(&name).run("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)");
    let line = format!("tenant adopt acme --name Acme --database {name} -o json");
    let ran = operator.run(&line).success();
    assert_eq!(ran.json()["outcome"], "adopted");
    assert_eq!(ran.json()["tenant"]["database"], name.as_str());
    let _ran = operator.run("migrate apply --tenant acme").success();
    let rows: i64 = server().superuser(&name).value("SELECT count(*) FROM orders");
    assert_eq!(rows, 1, "what was in it stays");
    assert!(operator.login("acme").is_ok());
    let again = operator.run(&line).success();
    assert_eq!(again.json()["outcome"], "already_there");
    let taken = format!("tenant adopt other --name Other --database {name} -o json");
    let ran = operator.run(&taken).fails_with(5);
    assert!(ran.error()["message"].as_str().unwrap().contains("acme"), "{ran}");
    let another = Operator::new();
    let ran = another.run(&line).fails_with(3);
    assert!(ran.error()["message"].as_str().unwrap().contains("another control plane"), "{ran}");
    assert_eq!(another.tenants("acme"), [], "nothing was reserved");
}

#[test]
fn what_keeps_an_adoption_back_says_adopt() {
    let operator = Operator::new();
    let (first, second) = (server().new_database(), server().new_database());
    let adopt = |slug: &str, more: &str| {
        operator.run(&format!("tenant adopt {slug} --name Acme {more} -o json"))
    };
    let _ran = adopt("acme", &format!("--database {first}")).success();
    let says = |ran: &crate::support::Ran, begins: &str| {
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(begins), "{message}");
    };
    let ran = adopt("acme", &format!("--database {second}")).fails_with(5);
    says(&ran, "failed to adopt `acme`: it exists already with database");
    let id = operator.tenants("acme")[0].id.clone();
    let ran = adopt("other", &format!("--database {second} --id {id}")).fails_with(5);
    says(&ran, "failed to adopt `other`: the id");
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let ran = adopt("acme", &format!("--database {first}")).fails_with(5);
    says(&ran, "failed to adopt `acme`: it is deleted");
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("tenantctl tenant restore acme"), "{hint}");
}

#[test]
fn what_is_adopted_is_looked_at_first() {
    let operator = Operator::new();
    let name = server().new_database();
    server().operator(&name).run(
        "CREATE TABLE orders (id int); CREATE TABLE guarded (id int); \
         ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    );
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let line = format!(
        "tenant adopt acme --name Acme --database {name} --id {id} --plan pro --label tier=gold \
         -o json"
    );
    let plan = operator.run(&format!("{line} --dry-run")).success().json();
    assert_eq!(plan["plan"]["database"], name.as_str());
    let found = &plan["plan"]["found"][0];
    assert_eq!(found, "2 tables, 1 of them without row security", "{plan}");
    assert_eq!(operator.tenants("acme"), [], "nothing was written");
    let tenant = operator.run(&line).success().json()["tenant"].clone();
    assert_eq!(tenant["id"], id);
    assert_eq!((&tenant["plan"], &tenant["labels"]["tier"]), (&"pro".into(), &"gold".into()));

    let plane = operator.plane_name().to_owned();
    for (database, says) in [("postgres", "the server's own"), (&plane, "a control plane")] {
        for more in ["", " --dry-run"] {
            let line = format!("tenant adopt x1 --name X --database {database} -o json{more}");
            let ran = operator.run(&line).fails_with(3);
            assert!(ran.error()["message"].as_str().unwrap().contains(says), "{ran}");
        }
    }
    assert_eq!(operator.tenants("x1"), []);
}

#[test]
fn an_adoption_that_comes_to_nothing_leaves_alone_what_is_not_ours() {
    let operator = Operator::new();
    let name = server().new_database();
    let line = format!("tenant adopt acme --name Acme --database {name} -o json");
    let _ran = operator.run_failing("place.before:kill", &line).was_killed();
    // Meanwhile it becomes somebody else's.
    server().operator(&name).run(&format!("COMMENT ON DATABASE {name} IS 'billing'"));
    let ran = operator.run(&line).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("not a stamp of ours"), "{ran}");
    assert!(operator.tenant("acme").is_quarantined);
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert_eq!(operator.tenants("acme")[0].status, "purged");
    let open: bool = server()
        .superuser("postgres")
        .value(&format!("SELECT datallowconn FROM pg_database WHERE datname = '{name}'"));
    assert!(open, "it is there, and as open as it was");
}

#[test]
fn a_strangers_project_is_not_taken_in_and_not_deleted() {
    let (fake, operator) = operator();
    let reference = fake.put_project("theirs");
    fake.inside(
        &reference,
        "CREATE SCHEMA tenantctl; CREATE TABLE tenantctl.identity (tenant_id uuid, \
         control_plane_id uuid); INSERT INTO tenantctl.identity VALUES (gen_random_uuid(), \
         gen_random_uuid())",
    );
    let line = format!("tenant adopt acme --name Acme --project {reference} -o json");
    let plan = operator.run(&format!("{line} --dry-run")).success().json();
    assert_eq!(plan["plan"]["found"][0], "`theirs`");
    let ran = operator.run(&line).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("its stamp names"), "{ran}");
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert_eq!(fake.projects().len(), 1, "it is theirs");
    assert_eq!(fake.asked("DELETE /v1/projects/{ref}").len(), 0);
}

#[test]
fn a_project_is_taken_in_and_may_be_deleted_by_its_stamp() {
    let (fake, operator) = operator();
    let reference = fake.put_project("somebody-made-it");
    let line = format!("tenant adopt acme --name Acme --project {reference} -o json");
    let ran = operator.run(&line).success();
    assert_eq!(ran.json()["tenant"]["project_ref"], reference.as_str());
    assert_eq!(fake.asked("POST /v1/projects").len(), 0);
    assert!(login(&operator, "acme").is_ok());
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let _ran = operator.run(purge).success();
    assert_eq!(fake.projects(), []);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (fake, operator) = operator();
    let line = "tenant adopt acme --name Acme --project abcdefghijklmnopqrst -o json";
    let _ran = operator.run(line).fails_with(4);
    let _ran = operator.run("tenant adopt acme --name Acme --database nowhere").fails_with(4);
    assert_eq!(operator.tenants("acme"), [], "nothing was reserved");
    let ran = operator.run("tenant adopt acme --name Acme").fails_with(2);
    assert!(ran.stderr().contains("--database"), "{ran}");
    drop(fake);
}

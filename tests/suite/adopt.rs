//! `tenant adopt`: what was there before us is taken in, once, and never when it is another's.

use crate::support::{Operator, server};

use super::project::{login, operator};

#[test]
fn a_database_of_the_cluster_is_taken_in() {
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
    let ran = another.run(&line).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("another control plane"), "{ran}");
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
    assert_ne!(operator.run(line).code(), 0);
    let ran = operator.run("tenant adopt acme --name Acme").fails_with(2);
    assert!(ran.stderr().contains("--database"), "{ran}");
    drop(fake);
}

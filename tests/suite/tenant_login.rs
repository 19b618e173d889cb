//! Who may connect to a tenant's database, and what its login may do there.

use crate::support::{Operator, server};

#[test]
fn nobody_but_the_tenants_login_and_the_operator_may_connect() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant create {slug} --name X")).success();
    }
    let database = operator.tenant("acme").database;
    let stranger = format!("someone_{}", uuid::Uuid::new_v4().simple());
    server().superuser("postgres").run(&format!("CREATE ROLE {stranger} LOGIN"));
    let refusal = server().login(&stranger, None, &database).err().unwrap();
    assert!(refusal.starts_with("42501"), "{refusal}");
    let url = operator.run("tenant url globex --reveal").success();
    let password = url.stdout().split([':', '@']).nth(2).unwrap();
    let login = operator.tenant("globex").database;
    assert!(server().login(&login, Some(password), &login).is_ok());
    let refusal = server().login(&login, Some(password), &database).err().unwrap();
    assert!(refusal.starts_with("42501"), "a neighbour: {refusal}");
    let acl: String = server()
        .superuser("postgres")
        .value(&format!("SELECT datacl::text FROM pg_database WHERE datname = '{database}'"));
    assert!(!acl.contains("{=") && !acl.contains(",="), "PUBLIC in {acl}");
}

#[test]
fn the_login_can_do_nothing_but_log_in() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let name = operator.tenant("acme").database;
    let mut superuser = server().superuser("postgres");
    let attributes: Vec<(bool, bool, bool, bool, bool, bool, bool)> = superuser.rows(&format!(
        "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, \
         rolconnlimit > 0 FROM pg_roles WHERE rolname = '{name}'"
    ));
    assert_eq!(attributes, [(true, false, false, false, false, false, true)]);
    let groups: Vec<(String,)> = superuser.rows(&format!(
        "SELECT m.roleid::regrole::text FROM pg_auth_members m \
         WHERE m.member = '{name}'::regrole"
    ));
    assert_eq!(groups, [("tenantctl_app".to_owned(),)]);
    let owned: i64 = server().superuser(&name).value(&format!(
        "SELECT (SELECT count(*) FROM pg_class WHERE relowner = '{name}'::regrole) \
         + (SELECT count(*) FROM pg_database WHERE datdba = '{name}'::regrole)"
    ));
    assert_eq!(owned, 0, "owner of nothing");
    let verifier: String =
        superuser.value(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{name}'"));
    assert!(verifier.starts_with("SCRAM-SHA-256$"), "{verifier}");
    let mut login = operator.login("acme").unwrap();
    for forbidden in [
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "TRUNCATE vendors",
        "ALTER TABLE vendors DISABLE ROW LEVEL SECURITY",
        "UPDATE tenantctl.identity SET slug = 'x'",
        "UPDATE tenantctl.gate SET locked = false",
        "SET ROLE tenantctl_owner",
        "CREATE DATABASE mine",
    ] {
        let refusal = login.attempt(forbidden).unwrap_err();
        assert!(refusal.starts_with("42501"), "{forbidden}: {refusal}");
    }
}

#[test]
fn another_tenants_id_sees_nothing() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let mut login = operator.login("acme").unwrap();
    let count = "SELECT count(*) FROM vendors";
    assert!(login.value::<i64>(count) > 0);
    login.run("SET app.current_tenant_id = '00000000-0000-4000-8000-00000000000a'");
    assert_eq!(login.value::<i64>(count), 0, "another tenant's id");
    login.run("RESET app.current_tenant_id");
    assert_eq!(login.value::<i64>(count), 0, "no id at all");
}

//! The harness itself: what every other test takes for granted.

use crate::support::{Operator, server};

#[test]
fn the_operator_is_of_hosted_shape_and_no_superuser() {
    let attributes: Vec<(bool, bool, bool, bool, bool)> = server().superuser("postgres").rows(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls \
         FROM pg_roles WHERE rolname = 'operator'",
    );
    assert_eq!(attributes, [(false, true, true, true, true)]);
}

#[test]
fn each_operator_has_a_control_plane_with_an_id_of_its_own() {
    let id = |operator: &Operator| -> String {
        operator.plane().value("SELECT control_plane_id::text FROM control_plane.identity")
    };
    let (one, other) = (Operator::new(), Operator::new());
    assert_ne!(id(&one), id(&other));
    one.assert_sound();
}

#[test]
fn a_tenants_login_needs_its_password() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let database = operator.tenant("acme").database;
    let refusal = server().login(&database, Some("a guess"), &database).err().unwrap();
    assert!(refusal.starts_with("28P01"), "{refusal}");
    let mut session = operator.login("acme").unwrap();
    assert_eq!(session.value::<String>("SELECT current_user::text"), database);
    operator.assert_sound();
}

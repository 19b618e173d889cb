//! `tenant rotate` and `tenant url`: the login's password, with and without a secret key.

use crate::support::{Operator, Ran, Session};

#[test]
fn with_a_key_the_password_is_sealed_and_opens_for_who_asks() {
    let operator = Operator::new();
    let made = operator.run("-o json tenant create acme --name Acme").success().json();
    assert_eq!(made["credential"], "sealed");
    let masked = operator.run("tenant url acme").success();
    assert!(masked.stdout().contains(":****@"), "{masked}");
    let mut session = operator.login("acme").unwrap();
    let database = operator.tenant("acme").database;
    assert_eq!(session.value::<String>("SELECT current_user::text"), database);
    assert!(session.value::<bool>("SELECT tenantctl.access_allowed()"));
    // Another key is told apart from a damaged text, and neither shows anything.
    let other = operator.home().join("other.key");
    std::fs::copy(operator.home().join("secret.key"), &other).unwrap();
    std::fs::write(&other, "02".repeat(32)).unwrap();
    let variables = [("TENANTCTL_SECRET_KEY_FILE", other.to_str().unwrap())];
    let ran = operator.start("tenant url acme --reveal", &variables).wait().fails_with(6);
    assert!(ran.stderr().contains("another key") && ran.stdout().is_empty(), "{ran}");
    operator.assert_sound();
}

#[test]
fn without_a_key_the_password_is_handed_over_once_by_rotate() {
    let operator = Operator::new().without("TENANTCTL_SECRET_KEY_FILE");
    let made = operator.run("-o json tenant create acme --name Acme").success().json();
    assert_eq!(made["credential"], "not_kept");
    let refused = operator.run("-o json tenant url acme --reveal").fails_with(3).error();
    assert_eq!(refused["hint"], "tenantctl tenant rotate acme");
    let url = |ran: Ran| {
        let ran = ran.success();
        let text = ran.stdout();
        let start = text.find("postgresql://").unwrap_or_else(|| panic!("no address in {ran}"));
        text[start..].split_whitespace().next().unwrap().to_owned()
    };
    let first = url(operator.run("tenant rotate acme"));
    assert!(Session::at(&first).is_ok());
    let second = url(operator.run("tenant rotate acme"));
    assert!(Session::at(&second).is_ok());
    let refusal = Session::at(&first).err().unwrap();
    assert!(refusal.starts_with("28P01"), "the old password: {refusal}");
    let kept: i64 = operator
        .plane()
        .value("SELECT count(*) FROM control_plane.tenant_metadata WHERE credential IS NOT NULL");
    assert_eq!(kept, 0);
    let password = second.split([':', '@']).nth(2).unwrap();
    assert!(password.len() >= 20, "a password worth its name");
    let told: i64 = operator.plane().value(&format!(
        "SELECT (SELECT count(*) FROM control_plane.policy_sync_log l WHERE l::text LIKE \
         '%{password}%') + (SELECT count(*) FROM control_plane.operations o WHERE o::text LIKE \
         '%{password}%')"
    ));
    assert_eq!(told, 0);
    operator.assert_sound();
}

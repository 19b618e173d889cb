//! `session show` and `session list`: when, by whom and why a session was revoked.

use crate::support::Operator;

const ANN: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// What `session show` says of a revocation: by whom and why, and whether an instant stands beside it.
fn revocation(operator: &Operator, jti: &str) -> String {
    let shown = operator.run(&format!("session show {jti} -o json")).success().json();
    let session = &shown["session"];
    let listed = operator.run(&format!("session list --user {ANN} --all -o json")).success().json();
    let mut listed = listed["sessions"].as_array().unwrap().iter();
    assert_eq!(listed.find(|one| one["jti"] == jti), Some(session), "list and show say the same");
    let text = |field: &str| session[field].as_str().unwrap_or("-").to_owned();
    let at = if session["revoked_at"].is_string() { "at" } else { "-" };
    format!("{} {at} {} {}", text("state"), text("revoked_by"), text("revoke_reason"))
}

#[test]
fn a_session_says_what_revoked_it_first() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name acme --no-migrate").success();
    let _ran = operator.run("tenant create globex --name globex --no-migrate").success();
    let act = |line: &str, reason: &str| {
        let line = format!("{line} --reason '{reason}' --actor {reason}-er");
        let _ran = operator.run(&line).success();
    };
    let one = operator.issue(ANN, "acme");
    assert_eq!(revocation(&operator, &one), "valid - - -");
    act(&format!("session revoke --user {ANN} --tenant acme --yes"), "first");
    let two = operator.issue(ANN, "acme");
    act(&format!("session revoke --user {ANN} --yes"), "second");
    let three = operator.issue(ANN, "acme");
    act(&format!("session revoke --user {ANN} --tenant acme --yes"), "third");
    let four = operator.issue(ANN, "acme");
    act("session revoke --tenant acme --yes", "fourth");
    let five = operator.issue(ANN, "acme");
    act(&format!("session revoke --jti {five} --yes"), "fifth");
    act(&format!("session revoke --jti {four} --yes"), "too-late");
    act("lockdown acme", "sixth");
    act("unlock acme --yes", "seventh");
    let six = operator.issue(ANN, "acme");
    let elsewhere = operator.issue(ANN, "globex");
    let _ran = operator.run("tenant delete acme --confirm acme --actor eve").success();
    for (jti, expected) in [
        (&one, "at first-er first"),
        (&two, "at second-er second"),
        (&three, "at third-er third"),
        (&four, "at fourth-er fourth"),
        (&five, "at fifth-er fifth"),
        (&six, "at eve the tenant was deleted"),
    ] {
        assert_eq!(revocation(&operator, jti), format!("tenant_revoked {expected}"));
    }
    assert_eq!(revocation(&operator, &elsewhere), "valid - - -");
    // Nothing was written to the rows but the one that was named while it was valid, and the one
    // that was named too late.
    let rows = "SELECT count(*) FROM control_plane.sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(operator.plane().ask(rows), "2");
}

#[test]
fn what_came_after_the_end_of_a_session_did_not_revoke_it() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name acme --no-migrate").success();
    let (over, alive) = (operator.issue(ANN, "acme"), operator.issue(ANN, "acme"));
    operator.plane().run(&format!(
        "UPDATE control_plane.sessions SET issued_at = now() - interval '2 h', \
         expires_at = now() - interval '1 h' WHERE jti = '{over}'"
    ));
    let _ran = operator.run("lockdown acme --reason stolen").success();
    assert_eq!(revocation(&operator, &over), "tenant_locked - - -");
    assert_eq!(revocation(&operator, &alive), "tenant_locked at tester stolen");
    // An epoch raised by hand revokes; it has no reason.
    let _ran = operator.run("unlock acme --reason x --yes").success();
    let later = operator.issue(ANN, "acme");
    operator.plane().run("UPDATE control_plane.user_mappings SET session_epoch = 7");
    assert_eq!(revocation(&operator, &later), "user_revoked - - -");
}

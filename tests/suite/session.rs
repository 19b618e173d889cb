//! `session issue`, `check`, `show`, `list` and `revoke`: one judgement, and how it changes.

use serde_json::json;

use crate::support::{Operator, PATIENCE, Ran, until};

const ANN: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const BOB: &str = "bbbbbbbb-0000-4000-8000-000000000002";

fn with_tenants(slugs: &[&str]) -> Operator {
    let operator = Operator::new();
    for slug in slugs {
        let create = format!("tenant create {slug} --name {slug} --no-migrate");
        let _ran = operator.run(&create).success();
    }
    operator
}

/// Returns the state that `session check` names, after comparing it with its exit code and with
/// what a web backend would ask the database.
fn state(operator: &Operator, jti: &str) -> String {
    let ran = operator.run(&format!("session check {jti} -o json"));
    let code = ran.code();
    let session = ran.json()["session"].take();
    let word = session["state"].as_str().unwrap().to_owned();
    let is_valid = word == "valid";
    assert_eq!(code, if is_valid { 0 } else { 11 }, "{ran}");
    assert_eq!(session["valid"], is_valid, "{ran}");
    let asked = operator.plane().ask(&format!("SELECT control_plane.is_session_valid('{jti}')"));
    assert_eq!(asked == "t", is_valid, "{jti}");
    word
}

fn revoke(operator: &Operator, what: &str) -> Ran {
    operator.run(&format!("session revoke {what} --reason 'a test' --yes -o json"))
}

fn jtis(operator: &Operator, line: &str) -> Vec<String> {
    let list = operator.run(&format!("session list {line} -o json")).success().json();
    let sessions = list["sessions"].as_array().unwrap().iter();
    sessions.map(|session| session["jti"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_session_is_issued_shown_and_valid() {
    let operator = with_tenants(&["acme"]);
    let line = format!(
        "session issue --user {ANN} --tenant acme --ttl 15m --ip 203.0.113.7 --device 'Pixel 9' \
         -o json"
    );
    let issued = operator.run(&line).success().json();
    assert_eq!(issued["format_version"], 1);
    let session = &issued["session"];
    let jti = session["jti"].as_str().unwrap();
    assert_eq!(state(&operator, jti), "valid");
    let shown = operator.run(&format!("session show {jti} -o json")).success().json();
    let shown = &shown["session"];
    for (field, value) in [
        ("jti", jti),
        ("state", "valid"),
        ("user_id", ANN),
        ("ip", "203.0.113.7"),
        ("device", "Pixel 9"),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    let tenant = json!({ "id": operator.tenant("acme").id, "slug": "acme" });
    assert_eq!(shown["tenant"], tenant, "{shown}");
    let lives = operator.plane().ask(&format!(
        "SELECT expires_at - issued_at FROM control_plane.sessions WHERE jti = '{jti}'"
    ));
    assert_eq!(lives, "00:15:00");
    let check = operator.run(&format!("session check {jti}")).success();
    assert_eq!(check.stdout(), "valid\n");
}

#[test]
fn what_does_not_exist_is_not_found_and_what_was_never_recorded_is_unknown() {
    let operator = with_tenants(&["acme"]);
    assert_eq!(state(&operator, "no-such-session"), "unknown");
    for line in [
        "session show no-such-session",
        "session revoke --jti no-such-session --reason x --yes",
        "session revoke --tenant nobody --reason x --yes",
        "session list --tenant nobody",
    ] {
        let _ran = operator.run(line).fails_with(4);
    }
    let line = format!("session issue --user {ANN} --tenant nobody");
    let _ran = operator.run(&line).fails_with(4);
    // A user nobody ever saw has nothing to revoke.
    let ran = revoke(&operator, &format!("--user {BOB}")).success();
    assert_eq!(ran.json()["revocation"]["sessions"], 0);
}

#[test]
fn each_scope_revokes_what_it_names_and_nothing_beside() {
    let operator = with_tenants(&["acme", "globex"]);
    let sessions = || {
        [(ANN, "acme"), (ANN, "acme"), (ANN, "globex"), (BOB, "acme"), (BOB, "globex")]
            .map(|(user, slug)| operator.issue(user, slug))
    };
    let states = |sessions: &[String]| {
        sessions.iter().map(|jti| state(&operator, jti)).collect::<Vec<_>>().join(" ")
    };
    for (scope, count, expected) in [
        (String::new(), 1, "revoked valid valid valid valid"),
        (format!("--user {ANN}"), 3, "user_revoked user_revoked user_revoked valid valid"),
        ("--tenant acme".to_owned(), 3, "tenant_revoked tenant_revoked valid tenant_revoked valid"),
        (format!("--user {ANN} --tenant acme"), 2, "user_revoked user_revoked valid valid valid"),
    ] {
        let sessions = sessions();
        let scope = if scope.is_empty() { format!("--jti {}", sessions[0]) } else { scope };
        let planned = operator.run(&format!("session revoke {scope} --reason x --dry-run -o json"));
        let planned = planned.success().json();
        assert_eq!(planned["dry_run"], true);
        assert_eq!(planned["revocation"]["changed"], false);
        assert_eq!(states(&sessions), "valid valid valid valid valid", "{scope} --dry-run");
        let revoked = revoke(&operator, &scope).success().json();
        assert_eq!(revoked["revocation"]["sessions"], count, "{scope}");
        assert_eq!(planned["revocation"]["sessions"], count, "{scope} --dry-run");
        assert_eq!(revoked["revocation"]["changed"], true);
        assert_eq!(states(&sessions), expected, "{scope}");
        // The next round begins with none.
        operator.plane().run("UPDATE control_plane.sessions SET revoked_at = now()");
    }
    assert_eq!(revoke(&operator, "--tenant acme").success().json()["revocation"]["sessions"], 0);
}

#[test]
fn a_session_issued_after_a_revocation_is_valid() {
    let operator = with_tenants(&["acme"]);
    for scope in ["--tenant acme".to_owned(), format!("--user {ANN}")] {
        let before = operator.issue(ANN, "acme");
        let _ran = revoke(&operator, &scope).success();
        let after = operator.issue(ANN, "acme");
        assert_ne!(state(&operator, &before), "valid", "{scope}");
        assert_eq!(state(&operator, &after), "valid", "{scope}");
    }
}

#[test]
fn revoking_twice_says_so_and_keeps_the_first_reason() {
    let operator = with_tenants(&["acme"]);
    let jti = operator.issue(ANN, "acme");
    let first = format!("session revoke --jti {jti} --reason 'laptop stolen' --actor ann --yes");
    let _ran = operator.run(&first).success();
    let again = format!("session revoke --jti {jti} --reason other --actor bob --yes -o json");
    let ran = operator.run(&again).success().json();
    assert_eq!(ran["revocation"]["changed"], false);
    let shown = operator.run(&format!("session show {jti} -o json")).success().json();
    assert_eq!(shown["session"]["revoke_reason"], "laptop stolen");
    assert_eq!(shown["session"]["revoked_by"], "ann");
    let rows = operator.plane().ask(
        "SELECT actor, reason, outcome FROM control_plane.policy_sync_log \
         WHERE action = 'session.revoke' ORDER BY id",
    );
    assert_eq!(
        rows,
        "ann|laptop stolen|intent\nann|laptop stolen|done\nbob|other|intent\nbob|other|unchanged"
    );
}

#[test]
fn every_revocation_is_told_with_reason_actor_and_target() {
    let operator = with_tenants(&["acme"]);
    let jti = operator.issue(ANN, "acme");
    for scope in [
        format!("--user {ANN}"),
        "--tenant acme".to_owned(),
        format!("--user {ANN} --tenant acme"),
        format!("--jti {jti}"),
    ] {
        let line = format!("session revoke {scope} --reason 'leaked key' --actor oncall --yes");
        let _ran = operator.run(&line).success();
    }
    let rows = operator.plane().ask(
        "SELECT target, tenant_id IS NOT NULL, count(*) FROM control_plane.policy_sync_log \
         WHERE action = 'session.revoke' AND actor = 'oncall' AND reason = 'leaked key' \
         GROUP BY operation_id, target, tenant_id ORDER BY min(id)",
    );
    assert_eq!(
        rows,
        format!(
            "user {ANN}|f|2\ntenant acme|t|2\nuser {ANN} in tenant acme|t|2\nsession {jti}|f|2"
        )
    );
    // Who and why belong to the epoch; the session's own row says nothing but that it was revoked
    // itself, last of all.
    let epochs = operator.plane().ask(
        "SELECT e.number, t.slug, e.user_id, e.act, e.actor, e.reason FROM control_plane.epochs e \
         LEFT JOIN control_plane.tenant_metadata t USING (tenant_id) ORDER BY e.epoch_id",
    );
    let why = "revoke|oncall|leaked key";
    assert_eq!(epochs, format!("1||{ANN}|{why}\n2|acme||{why}\n2|acme|{ANN}|{why}"));
    operator.assert_sound();
}

#[test]
fn without_a_terminal_a_revocation_wants_yes() {
    let operator = with_tenants(&["acme"]);
    let jti = operator.issue(ANN, "acme");
    for flags in ["", "--no-input"] {
        let line = format!("session revoke --jti {jti} --reason x {flags} -o json");
        let ran = operator.run(&line).fails_with(3);
        assert_eq!(ran.error()["kind"], "refused");
        assert_eq!(ran.error()["hint"], "pass --yes");
        assert_eq!(state(&operator, &jti), "valid");
    }
    // Refused before anything is contacted.
    let away = Operator::unconfigured()
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://u@/d?host=/nowhere");
    let _ran = away.run("session revoke --jti x --reason x").fails_with(3);
}

#[test]
fn an_expired_session_is_expired() {
    let operator = with_tenants(&["acme"]);
    let line = format!("session issue --user {ANN} --tenant acme --ttl 1s -o json");
    let issued = operator.run(&line).success().json();
    let jti = issued["session"]["jti"].as_str().unwrap();
    let ask = format!("SELECT control_plane.session_state('{jti}')");
    until("the session to expire", PATIENCE, || match operator.plane().ask(&ask).as_str() {
        "expired" => Ok(()),
        other => Err(other.to_owned()),
    });
    assert_eq!(state(&operator, jti), "expired");
    assert_eq!(jtis(&operator, "--tenant acme"), [""; 0]);
    assert_eq!(jtis(&operator, "--tenant acme --all"), [jti]);
    let zero = format!("session issue --user {ANN} --tenant acme --ttl 0s");
    let _ran = operator.run(&zero).fails_with(2);
}

#[test]
fn a_tenant_that_is_not_active_has_no_valid_session_and_gets_no_new_one() {
    let operator = with_tenants(&["acme", "globex"]);
    let (locked, deleted) = (operator.issue(ANN, "acme"), operator.issue(ANN, "globex"));
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET locked_at = now(), locked_by = 'a test', lock_reason = 'a test' \
         WHERE slug = 'acme'",
    );
    let _ran = operator.run("tenant delete globex --confirm globex").success();
    assert_eq!(state(&operator, &locked), "tenant_locked");
    assert_eq!(state(&operator, &deleted), "tenant_revoked");
    for slug in ["acme", "globex"] {
        let line = format!("session issue --user {ANN} --tenant {slug} -o json");
        let error = operator.run(&line).fails_with(5).error();
        assert_eq!(error["kind"], "conflict", "{error}");
    }
    operator
        .plane()
        .run("UPDATE control_plane.tenant_metadata SET locked_at = NULL, locked_by = NULL, lock_reason = NULL WHERE slug = 'acme'");
    assert_eq!(state(&operator, &locked), "valid");
    // Back again, its sessions stay dead.
    let _ran = operator.run("tenant restore globex").success();
    assert_eq!(state(&operator, &deleted), "tenant_revoked");
}

#[test]
fn where_several_marks_apply_the_widest_decides() {
    let operator = with_tenants(&["acme"]);
    let jti = operator.issue(ANN, "acme");
    let mut plane = operator.plane();
    let marks = [
        (
            "UPDATE control_plane.sessions SET issued_at = now() - interval '2 h', \
             expires_at = now() - interval '1 h'",
            "expired",
        ),
        ("UPDATE control_plane.sessions SET revoked_at = now()", "revoked"),
        ("UPDATE control_plane.user_mappings SET session_epoch = 2", "user_revoked"),
        ("UPDATE control_plane.tenant_metadata SET session_epoch = 2", "tenant_revoked"),
        (
            "UPDATE control_plane.tenant_metadata SET locked_at = now(), locked_by = 'a test', lock_reason = 'a test'",
            "tenant_locked",
        ),
    ];
    for (mark, word) in marks {
        plane.run(mark);
        assert_eq!(state(&operator, &jti), word, "{mark}");
    }
}

#[test]
fn lists_hold_valid_sessions_newest_first_and_all_when_asked() {
    let operator = with_tenants(&["acme", "globex"]);
    let one = operator.issue(ANN, "acme");
    let two = operator.issue(BOB, "acme");
    let three = operator.issue(ANN, "globex");
    assert_eq!(jtis(&operator, "--tenant acme"), [two.as_str(), &one]);
    assert_eq!(jtis(&operator, &format!("--user {ANN}")), [three.as_str(), &one]);
    assert_eq!(jtis(&operator, &format!("--user {ANN} --tenant acme")), [one.as_str()]);
    let _ran = revoke(&operator, &format!("--jti {two}")).success();
    assert_eq!(jtis(&operator, "--tenant acme"), [one.as_str()]);
    assert_eq!(jtis(&operator, "--tenant acme --all"), [two, one]);
    let ran = operator.run("session list --tenant globex -o ndjson").success();
    let lines: Vec<_> = ran.stdout().lines().collect();
    assert_eq!(lines.len(), 2, "{ran}");
    let line: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(line["session"]["tenant"]["slug"], "globex");
}

#[test]
fn hostile_words_in_a_session_are_refused_or_shown_harmlessly() {
    let operator = with_tenants(&["acme"]);
    for line in [
        format!("session issue --user {ANN} --tenant acme --device 'a\u{1b}[2Jb'"),
        "session revoke --tenant acme --yes --reason 'a\nb'".to_owned(),
        "session revoke --tenant acme --yes --reason ''".to_owned(),
        "session check 'a\u{1b}b'".to_owned(),
    ] {
        let ran = operator.run(&line).fails_with(2);
        assert!(!ran.stderr().contains('\u{1b}'), "{ran:?}");
    }
    let jti = operator.issue(ANN, "acme");
    operator.plane().run("UPDATE control_plane.sessions SET device = E'x\\x1b]52;c;aGk=\\x07y'");
    for line in [format!("session show {jti}"), "session list --tenant acme".to_owned()] {
        for format in ["table", "json", "ndjson"] {
            let ran = operator.run(&format!("{line} -o {format}")).success();
            assert!(ran.stdout().contains("52;c"), "{ran}");
            assert!(!ran.stdout().contains(['\u{1b}', '\u{7}']), "{ran:?}");
        }
    }
}

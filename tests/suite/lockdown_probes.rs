//! What `lockdown` proves: a layer that does not hold is named.

use std::thread::scope;

use uuid::Uuid;

use crate::support::lockdown::{ALL_REFUSED, LOCK, pairs, results, with_tenant};
use crate::support::{Operator, PATIENCE, server, until};

use super::project::operator as operator_with_project;

#[test]
fn a_gate_that_does_not_hold_is_named() {
    let operator = with_tenant();
    server().superuser(&operator.tenant("acme").database).run(
        "CREATE FUNCTION tenantctl.sabotage() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN NEW.locked := false; RETURN NEW; END $$; \
         CREATE TRIGGER zz BEFORE UPDATE ON tenantctl.gate FOR EACH ROW \
         EXECUTE FUNCTION tenantctl.sabotage()",
    );
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(report["proven"], false);
    assert_eq!(results(&report, "layers")[1], ("gate".to_owned(), "failed".to_owned()));
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "got_in"), ("login", "refused")])
    );
    server().superuser(&operator.tenant("acme").database).run("DROP TRIGGER zz ON tenantctl.gate");
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
}

#[test]
fn a_judgement_that_says_yes_is_named() {
    for has_session in [true, false] {
        let operator = with_tenant();
        if has_session {
            operator.issue(&Uuid::new_v4().to_string(), "acme");
        }
        operator.plane().run(
            "CREATE OR REPLACE FUNCTION control_plane.session_state(session_jti text) RETURNS text \
             LANGUAGE sql AS $$ SELECT 'valid' $$; \
             CREATE OR REPLACE FUNCTION control_plane.claims_state(claims jsonb) RETURNS text \
             LANGUAGE sql AS $$ SELECT 'valid' $$",
        );
        let report = operator.run(LOCK).fails_with(12).json();
        assert_eq!(
            results(&report, "probes"),
            pairs(&[("session", "got_in"), ("gate", "refused"), ("login", "refused")])
        );
    }
}

/// Only what would have got in a moment before proves anything.
#[test]
fn the_session_that_is_tried_was_valid_until_the_lockdown() {
    let operator = with_tenant();
    let users: Vec<_> = (0..4).map(|_| Uuid::new_v4().to_string()).collect();
    let jtis: Vec<_> = users.iter().map(|user| operator.issue(user, "acme")).collect();
    for line in [
        format!("session revoke --jti {} --reason r", jtis[3]),
        format!("session revoke --user {} --tenant acme --reason r", users[1]),
        format!("member remove acme {} --reason r", users[2]),
    ] {
        let _ran = operator.run(&format!("--yes {line}")).success();
    }
    let tried = || operator.run(LOCK).success().json()["probes"][0]["detail"].clone();
    // The others live longer.
    let valid = &jtis[0];
    assert_eq!(tried(), format!("session {valid}, valid before, is now tenant_locked"));
    // By now that one is dead as well.
    let none = "no session was valid before; a token issued now is tenant_locked";
    assert_eq!(tried(), none);
}

#[test]
fn a_login_that_comes_back_is_named() {
    let operator = with_tenant();
    let name = operator.tenant("acme").database;
    // The probes come after every layer: the gate's waits until the login is back.
    let mut gate = server().superuser(&name);
    gate.run("BEGIN; LOCK TABLE tenantctl.gate");
    let report = scope(|threads| {
        threads.spawn(|| {
            let mut superuser = server().superuser("postgres");
            until("the login to be stopped", PATIENCE, || {
                let can: bool = superuser
                    .value(&format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'"));
                if can { Err("it may log in".to_owned()) } else { Ok(()) }
            });
            superuser.run(&format!("ALTER ROLE {name} LOGIN"));
            gate.run("COMMIT");
        });
        operator.run(LOCK).fails_with(12).json()
    });
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "refused"), ("login", "got_in")])
    );
}

#[test]
fn a_login_nobody_can_try_is_not_proved() {
    let operator = with_tenant().without("TENANTCTL_SECRET_KEY_FILE");
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(
        results(&report, "probes"),
        pairs(&[("session", "refused"), ("gate", "refused"), ("login", "could_not_run")])
    );
    assert!(report["tenant"]["lock"].is_object(), "{report}");
    let text = operator.run("lockdown acme --reason r").fails_with(12);
    assert!(text.stdout().contains("could not run"), "{text}");
}

/// A gate that refuses the hook's tokens and not those that Auth issues by itself, with or without a
/// tenant in them.
#[test]
fn a_gate_that_lets_in_what_auth_issues_is_named() {
    let sabotage = |condition: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION tenantctl.access_allowed() RETURNS boolean LANGUAGE sql STABLE \
             SECURITY DEFINER AS $$ SELECT c ->> 'role' = 'authenticated' AND c ->> 'aud' = \
               'authenticated' AND c ? 'session_id' AND c ? 'iss' AND NOT c ? 'tenant_epoch' \
               AND (c ->> 'iat')::numeric <= extract(epoch FROM clock_timestamp()) \
               AND (c #>> '{{amr,0,timestamp}}')::numeric > (SELECT floor(extract(epoch FROM \
                 sessions_not_before)) FROM tenantctl.gate) AND {condition} \
             FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb) r(c) $$"
        )
    };
    let named = sabotage("c #>> '{app_metadata,tenant_id}' IS NOT NULL");
    let operator = with_tenant();
    server().superuser(&operator.tenant("acme").database).run(&named);
    let report = operator.run(LOCK).fails_with(12).json();
    let gate = &report["probes"][1];
    assert_eq!(gate["outcome"], "got_in", "{report}");
    assert_eq!(gate["detail"], "a statement with a token as Auth issues it got through");
    assert_eq!(report["auth_proved_by"], "nothing");

    let (fake, operator) = operator_with_project();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let nameless = sabotage(
        "c #>> '{app_metadata,tenant_id}' IS NULL \
         AND current_setting('app.current_tenant_id', true) <> ''",
    );
    fake.change(&fake.projects()[0].0, &nameless);
    let report = operator.run(LOCK).fails_with(12).json();
    let gate = &report["probes"][1];
    assert_eq!(
        gate["detail"],
        "a statement with a token as the project's Auth issues it got through"
    );
}

/// Where no layer covers Auth, the gate is what proves it, and that is said.
#[test]
fn without_a_layer_of_auth_the_gate_proves_it_or_nothing_does() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let ran = operator.run("lockdown acme --reason r").success();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = words(ran.stderr());
    let proof = "what proves the lockdown is the tenant's gate, which refused a token as that Auth \
                 issues it.";
    assert!(said.contains(proof), "{ran}");
    let report = operator.run(LOCK).success().json();
    assert_eq!(report["layers"][2]["outcome"], "not_covered");
    assert_eq!(report["auth_proved_by"], "gate");
    let detail = report["probes"][1]["detail"].as_str().unwrap();
    let tried = "statements with a fresh token were refused, as the hook issues it and as Auth does, and so \
                 were ";
    assert!(detail.starts_with(tried), "{detail}");

    // A table that does not ask the gate.
    let mut superuser = server().superuser(&operator.tenant("acme").database);
    superuser.run("DROP POLICY gate_open ON vendors");
    let ran = operator.run("lockdown acme --reason r").fails_with(12);
    let said = words(ran.stderr());
    assert!(
        said.contains("no gate was seen to refuse its tokens: set TENANTCTL_AUTH_URL and"),
        "{ran}"
    );
}

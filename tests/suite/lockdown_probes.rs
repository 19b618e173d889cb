//! What `lockdown` proves: a layer that does not hold is named.

use std::thread::scope;

use uuid::Uuid;

use crate::support::lockdown::{ALL_REFUSED, LOCK, pairs, results, with_tenant};
use crate::support::{PATIENCE, server, until};

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
    assert_eq!(report["tenant"]["status"], "locked");
    let text = operator.run("lockdown acme --reason r").fails_with(12);
    assert!(text.stdout().contains("could not run"), "{text}");
}

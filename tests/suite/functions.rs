//! The functions of a schema: installed again when their text changed, never taken back.

use rustix::process::Signal;
use serde_json::json;

use crate::support::product::Product;
use crate::support::{Operator, PATIENCE, Session, server, until};

/// Makes a control plane as an older tenantctl left it: another text, under another checksum.
fn outdate(plane: &mut Session) {
    plane.run(
        "CREATE OR REPLACE FUNCTION control_plane.is_session_valid(session_jti text) \
         RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT true'; \
         UPDATE control_plane.functions SET checksum = '1', installed_by = '0.0.1'",
    );
}

const INSTALLED: &str = "SELECT checksum <> '1' FROM control_plane.functions";

const IS_VALID: &str = "SELECT control_plane.is_session_valid('nobody')";

#[test]
fn a_control_plane_with_other_functions_wants_init_and_gets_ours() {
    // Beside Auth, so that every role that `init` grants to exists from the beginning: another test
    // may create them at any moment, and they belong to the whole server.
    let operator = Operator::beside_auth();
    let (mut plane, rights) = (
        operator.plane(),
        "SELECT array_agg(p.proacl::text || p.prosecdef \
         || coalesce(p.proconfig::text, '') ORDER BY p.oid::regprocedure::text)::text \
         FROM pg_proc p WHERE p.pronamespace = 'control_plane'::regnamespace",
    );
    let before = plane.ask(rights);
    outdate(&mut plane);
    let error = operator.run("tenant list -o json").fails_with(3).error();
    assert_eq!(error["hint"], "tenantctl init");
    let planned = operator.run("init --dry-run -o json").success().json();
    assert_eq!(planned["plan"]["planned"], json!(["functions"]));
    assert_eq!(plane.ask(IS_VALID), "t", "a dry run installs nothing");
    let done = operator.run("init -o json").success().json();
    assert_eq!(done["applied"], json!(["functions"]));
    assert_eq!((plane.ask(IS_VALID), plane.ask(INSTALLED)), ("f".to_owned(), "t".to_owned()));
    assert_eq!(plane.ask(rights), before);
    assert_eq!(operator.run("init -o json").success().json()["applied"], json!([]));
    let _ran = operator.run("tenant list").success();
    operator.assert_sound();
}

#[test]
fn the_functions_of_a_later_tenantctl_stay() {
    let operator = Operator::new();
    let mut plane = operator.plane();
    outdate(&mut plane);
    plane.run("UPDATE control_plane.functions SET installed_by = '999.0.0'");
    for line in ["tenant list", "init", "init --dry-run"] {
        let error = operator.run(&format!("{line} -o json")).fails_with(5).error();
        assert!(error["message"].to_string().contains("999.0.0"), "{error}");
        assert!(error["hint"].to_string().contains("newer tenantctl"), "{error}");
    }
    assert_eq!(plane.ask(IS_VALID), "t");
}

#[test]
fn an_installation_that_fails_or_is_killed_leaves_the_old_ones_and_is_repeated() {
    let operator = Operator::new();
    let mut plane = operator.plane();
    outdate(&mut plane);
    // One of the last cannot be replaced: those before it are not, either.
    plane.run(
        "DROP FUNCTION control_plane.check_request(); CREATE FUNCTION \
         control_plane.check_request() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    );
    let error = operator.run("init -o json").fails_with(8).error();
    assert_eq!(error["message"], "failed to apply functions");
    assert_eq!((plane.ask(IS_VALID), plane.ask(INSTALLED)), ("t".to_owned(), "f".to_owned()));
    plane.run("DROP FUNCTION control_plane.check_request()");
    // Killed while it waits: the transaction is gone with it.
    let mut busy = operator.plane();
    busy.run("BEGIN; LOCK TABLE control_plane.functions IN EXCLUSIVE MODE");
    let running = operator.start("init", &[]);
    let mut superuser = server().superuser("postgres");
    let mut waits = |expected: bool| {
        until("init to wait, and to be gone", PATIENCE, || {
            let waits: bool = superuser.value(&format!(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                 WHERE NOT l.granted AND a.datname = '{}')",
                operator.plane_name()
            ));
            if waits == expected { Ok(()) } else { Err(format!("waits: {waits}")) }
        });
    };
    waits(true);
    running.signal(Signal::KILL);
    let _ran = running.wait().was_killed();
    waits(false);
    assert_eq!((plane.ask(IS_VALID), plane.ask(INSTALLED)), ("t".to_owned(), "f".to_owned()));
    busy.run("COMMIT");
    let _ran = operator.run("init").success();
    assert_eq!((plane.ask(IS_VALID), plane.ask(INSTALLED)), ("f".to_owned(), "t".to_owned()));
    operator.assert_sound();
}

#[test]
fn a_tenants_gate_gets_new_functions_with_the_next_migration() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    let operator = &product.operator;
    for (slug, by) in [("acme", "0.0.1"), ("globex", "999.0.0")] {
        operator.inside(slug).run(&format!(
            "CREATE OR REPLACE FUNCTION tenantctl.access_allowed() RETURNS boolean \
             LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT true'; \
             UPDATE tenantctl.functions SET checksum = '1', installed_by = '{by}'"
        ));
    }
    // As the record of a fleet stands after the tenantctl was replaced.
    operator.plane().run("UPDATE control_plane.tenant_metadata SET schema_fingerprint = 'older'");
    let status = product.run("migrate status --verify -o json").fails_with(10).json();
    assert_eq!(status["results"][0]["outcome"], "behind", "{status}");
    assert_eq!(status["results"][1]["outcome"], "diverged", "{status}");
    let ran = product.run("migrate apply --all -o json").fails_with(9);
    let is_old = "SELECT tenantctl.access_allowed()";
    let mut acme = operator.inside("acme");
    acme.run("RESET app.current_tenant_id");
    assert_eq!(acme.ask(is_old), "f", "{ran}");
    assert_eq!(operator.inside("globex").ask(is_old), "t", "a later tenantctl's stay: {ran}");
    let status = product.run("migrate status --tenant acme --verify -o json").success().json();
    assert_eq!(status["results"][0]["outcome"], "current");
}

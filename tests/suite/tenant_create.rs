//! `tenant create`: a database of its own for every tenant, once, whoever asks and how often.

use crate::support::traces::{field, traces};
use crate::support::{Operator, redacted, server};

#[test]
fn a_tenant_is_created_and_shown() {
    let operator = Operator::new();
    let ran = operator
        .run("tenant create acme --name 'Acme Ltd' --plan pro --label tier=gold --seed")
        .success();
    redacted(|| {
        insta::assert_snapshot!(ran.stdout(), @r#"
            tenant      acme (created)
            id          11111111-2222-3333-4444-555555555555
            status      active
            database    tenant_acme_00000000
            connection  postgresql://tenant_acme_00000000:****@/tenant_acme_00000000?host=/tmp/tctl-00000000/socket&port=5432
            schema      V7 (0000000000000000)
            seed        demo
            took        0 ms
            "#);
        insta::assert_snapshot!(ran.stderr(), @r#"
            /tmp/tctl-00000000/socket/cp_000000000000
            ✓ Reserve the slug                0 ms  a new tenant, 11111111-2222-3333-4444-555555555555
            ✓ Create the database             0 ms  tenant_acme_00000000, copied from a template, closed for now
            ✓ Secure and stamp it             0 ms  its login alone may connect, identity stamped
            ✓ Register the connection         0 ms  /tmp/tctl-00000000/socket:5432, password sealed
            ✓ Migrate the schema              0 ms  came with the copy, at V7
            ✓ Seed sample data                0 ms  set `demo`, 1395 rows
            ✓ Verify with a real login        0 ms  login and gate work, RLS forced on 8 tables
            ✓ Activate the tenant             0 ms  active

            Next:
              tenantctl tenant connect acme
              tenantctl tenant show acme
            "#);
    });
    operator.assert_sound();
}

#[test]
fn the_same_as_json() {
    let operator = Operator::new();
    let ran = operator.run("-o json tenant create acme --name 'Acme Ltd' --no-migrate").success();
    let mut document = ran.json();
    assert_eq!(ran.stderr(), "", "a script reads JSON and hears nothing else");
    for step in document["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("detail");
    }
    let document = serde_json::to_string_pretty(&document).unwrap();
    redacted(|| {
        insta::assert_snapshot!(document, @r#"
        {
          "format_version": 1,
          "tenant": {
            "id": "11111111-2222-3333-4444-555555555555",
            "slug": "acme",
            "name": "Acme Ltd",
            "plan": null,
            "labels": {},
            "status": "active",
            "quarantine": null,
            "placement": "database",
            "project_ref": null,
            "database": "tenant_acme_00000000",
            "host": "/tmp/tctl-00000000/socket",
            "port": 5432,
            "region": null,
            "schema_version": null,
            "schema_fingerprint": null,
            "session_epoch": 1,
            "protected": false,
            "credential": "sealed",
            "lock": null,
            "purge_after": null,
            "created_at": "2000-01-01T00:00:00Z",
            "updated_at": "2000-01-01T00:00:00Z",
            "deleted_at": null
          },
          "outcome": "created",
          "url": "postgresql://tenant_acme_00000000:****@/tenant_acme_00000000?host=/tmp/tctl-00000000/socket&port=5432",
          "credential": "sealed",
          "seed": null,
          "steps": [
            {
              "step": "reserve",
              "outcome": "done",
              "elapsed_ms": 0
            },
            {
              "step": "place",
              "outcome": "done",
              "elapsed_ms": 0
            },
            {
              "step": "secure",
              "outcome": "done",
              "elapsed_ms": 0
            },
            {
              "step": "register",
              "outcome": "done",
              "elapsed_ms": 0
            },
            {
              "step": "verify",
              "outcome": "done",
              "elapsed_ms": 0
            },
            {
              "step": "activate",
              "outcome": "done",
              "elapsed_ms": 0
            }
          ],
          "elapsed_ms": 0
        }
        "#);
    });
}

#[test]
fn the_same_again_says_so_and_changes_nothing() {
    let operator = Operator::new();
    let line = "-o json tenant create acme --name 'Acme Ltd' --label a=1";
    let first = operator.run(line).success().json();
    assert_eq!(first["outcome"], "created");
    let before = traces(&operator);
    let second = operator.run(line).success().json();
    assert_eq!(second["outcome"], "already_there");
    assert_eq!(second["steps"], serde_json::json!([]));
    assert_eq!(second["tenant"], first["tenant"]);
    assert_eq!(traces(&operator), before);
    operator.assert_sound();
}

#[test]
fn another_spec_is_a_conflict_that_names_every_difference() {
    let operator = Operator::new();
    let _ran =
        operator.run("tenant create acme --name 'Acme Ltd' --plan pro --label a=1").success();
    let before = traces(&operator);
    let other = "tenant create acme --name Acme --plan basic --label a=2 --region eu --id \
                 00000000-0000-4000-8000-00000000000a";
    let error = operator.run(&format!("-o json {other}")).fails_with(5).error();
    assert_eq!(error["kind"], "conflict");
    let message = error["message"].as_str().unwrap();
    for difference in [
        "name `Acme Ltd` (asked for `Acme`)",
        "plan `pro` (asked for `basic`)",
        "labels `a=1` (asked for `a=2`)",
        "region none (asked for `eu`)",
        "(asked for `00000000-0000-4000-8000-00000000000a`)",
    ] {
        assert!(message.contains(difference), "{difference} in {message}");
    }
    assert_eq!(error["hint"], "tenantctl tenant show acme");
    assert_eq!(traces(&operator), before);
}

#[test]
fn no_id_is_used_twice() {
    let operator = Operator::new();
    let id = uuid::Uuid::new_v4();
    let _ran = operator.run(&format!("tenant create acme --name Acme --id {id}")).success();
    assert_eq!(operator.tenant("acme").id, id.to_string());
    let taken = operator.run(&format!("-o json tenant create globex --name Globex --id {id}"));
    assert_eq!(taken.fails_with(5).error()["kind"], "conflict");
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let _ran = operator.run(purge).success();
    for slug in ["acme", "globex"] {
        let again = operator.run(&format!("-o json tenant create {slug} --name Acme --id {id}"));
        let error = again.fails_with(5).error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("no id is used twice"), "{message}");
    }
    operator.assert_sound();
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let operator = Operator::new();
    let before = traces(&operator);
    let ran = operator.run("-o json tenant create acme --name Acme --seed --dry-run").success();
    let plan = ran.json();
    assert_eq!(field(&plan, "/dry_run"), true);
    assert_eq!(field(&plan, "/plan/exists"), false);
    assert_eq!(
        field(&plan, "/plan/steps"),
        &serde_json::json!([
            "reserve", "place", "secure", "register", "migrate", "seed", "verify", "activate"
        ])
    );
    assert_eq!(traces(&operator), before);
    let made = operator.run("-o json tenant create acme --name Acme --seed").success().json();
    let words: Vec<_> =
        made["steps"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect();
    assert_eq!(field(&plan, "/plan/steps"), &serde_json::json!(words), "planned, then done");
    let again = operator.run("-o json tenant create acme --name Acme --seed --dry-run").success();
    assert_eq!(field(&again.json(), "/plan/steps"), &serde_json::json!([]));
    let _ran = operator.run("tenant create acme --name Other --dry-run").fails_with(5);
}

#[test]
fn without_migrations_the_schema_is_empty_until_it_is_migrated() {
    let operator = Operator::new();
    let made = operator.run("-o json tenant create acme --name Acme --no-migrate").success();
    assert_eq!(field(&made.json(), "/tenant/schema_version"), &serde_json::Value::Null);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(operator.inside("acme").value::<i64>(tables), 0);
    let _ran = operator.run("migrate apply --tenant acme").success();
    assert!(operator.inside("acme").value::<i64>(tables) > 5);
    operator.assert_sound();
}

#[test]
fn seeds_are_applied_once_however_often_they_are_asked_for() {
    let operator = Operator::new();
    let made = operator.run("-o json tenant create acme --name Acme --seed=demo").success();
    assert_eq!(made.json()["seed"], "demo");
    let count = "SELECT (SELECT count(*) FROM vendors), (SELECT count(*) FROM products)";
    let seeded: Vec<(i64, i64)> = operator.inside("acme").rows(count);
    assert!(seeded[0].0 > 0 && seeded[0].1 > 0, "{seeded:?}");
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let _ran = operator.run("seed apply --tenant acme").success();
    assert_eq!(operator.inside("acme").rows::<(i64, i64)>(count), seeded);
    let unknown = operator.run("-o json tenant create globex --name Globex --seed=nowhere");
    assert_ne!(unknown.code(), 0, "{unknown}");
    assert_eq!(operator.tenants("globex"), [], "refused before anything was made: {unknown}");
}

#[test]
fn eight_at_once_make_one() {
    let operator = Operator::new();
    let line = "-o json tenant create acme --name Acme --timeout 60s";
    let running: Vec<_> = (0..8).map(|_| operator.start(line, &[])).collect();
    let ran: Vec<_> = running.into_iter().map(crate::support::Running::wait).collect();
    // One reserves the slug; if another is quicker to the lock, that one continues it.
    let mut makers = 0;
    for ran in &ran {
        match ran.code() {
            0 => makers += i32::from(ran.json()["outcome"] != "already_there"),
            5 => {}
            _ => panic!("{ran}"),
        }
    }
    assert_eq!(makers, 1, "{ran:?}");
    assert_eq!(operator.tenants("acme").len(), 1);
    assert!(operator.login("acme").is_ok());
    operator.assert_sound();
}

#[test]
fn two_slugs_at_once_do_not_wait_for_each_other() {
    let operator = Operator::new();
    let running = ["acme", "globex"]
        .map(|slug| operator.start(&format!("tenant create {slug} --name X --seed"), &[]));
    for running in running {
        let _ran = running.wait().success();
    }
    assert_ne!(operator.tenant("acme").database, operator.tenant("globex").database);
    operator.assert_sound();
}

#[test]
fn a_strangers_database_of_our_name_is_left_alone() {
    let operator = Operator::new();
    let id = uuid::Uuid::new_v4();
    let name = format!("tenant_acme_{}", &id.simple().to_string()[..8]);
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("CREATE DATABASE {name} TEMPLATE template0"));
    server().superuser(&name).run("CREATE TABLE theirs AS SELECT 42 AS answer");
    let facts = format!(
        "SELECT oid::bigint, pg_get_userbyid(datdba)::text, datallowconn, coalesce(datacl::text, ''), \
         coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database \
         WHERE datname = '{name}'"
    );
    let before: Vec<(i64, String, bool, String, String)> = superuser.rows(&facts);
    let line = format!("-o json tenant create acme --name Acme --id {id}");
    let error = operator.run(&line).fails_with(8).error();
    assert!(error["causes"].to_string().contains("no stamp"), "{error}");
    assert!(operator.tenant("acme").is_quarantined);
    for line in [&line, "tenant delete acme --confirm acme", "tenant restore acme"] {
        let ran = operator.run(line).fails_with(8);
        assert!(ran.stderr().contains("quarantined"), "{ran}");
    }
    assert_eq!(superuser.rows::<(i64, String, bool, String, String)>(&facts), before);
    assert_eq!(server().superuser(&name).value::<i32>("SELECT answer FROM theirs"), 42);
    let _ran = operator.run("audit verify").success();
}

#[test]
fn a_strangers_role_of_our_name_is_left_alone() {
    let operator = Operator::new();
    let id = uuid::Uuid::new_v4();
    let name = format!("tenant_acme_{}", &id.simple().to_string()[..8]);
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'theirs' CONNECTION LIMIT 7"));
    let facts = format!(
        "SELECT rolpassword, rolconnlimit, rolcanlogin FROM pg_authid WHERE rolname = '{name}'"
    );
    let before: Vec<(String, i32, bool)> = superuser.rows(&facts);
    let line = format!("-o json tenant create acme --name Acme --id {id}");
    let error = operator.run(&line).fails_with(8).error();
    assert!(error["causes"].to_string().contains("role"), "{error}");
    assert_eq!(superuser.rows::<(String, i32, bool)>(&facts), before);
    assert!(operator.tenant("acme").is_quarantined);
    let is_open: bool =
        superuser.value(&format!("SELECT datallowconn FROM pg_database WHERE datname = '{name}'"));
    assert!(!is_open, "the database that was made stays closed");
}

#[test]
fn the_trail_tells_the_intent_before_and_the_outcome_after() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --actor alice").success();
    let rows: Vec<(String, String, String, String)> = operator.plane().rows(
        "SELECT actor, action, target, outcome FROM control_plane.policy_sync_log \
         WHERE action <> 'init' ORDER BY id",
    );
    let row = |outcome: &str| ["alice", "tenant.create", "acme", outcome].map(str::to_owned).into();
    assert_eq!(rows, [row("intent"), row("done")]);
    let steps: Vec<(String, i32, bool, bool)> = operator.plane().rows(
        "SELECT step, attempt, done_at IS NOT NULL, outcome IS NOT NULL \
         FROM control_plane.operation_steps ORDER BY intent_at",
    );
    let words: Vec<_> = steps.iter().map(|(step, ..)| step.as_str()).collect();
    assert_eq!(words, ["place", "secure", "register", "migrate", "verify", "activate"]);
    for (step, attempt, is_done, has_outcome) in steps {
        assert_eq!((attempt, is_done, has_outcome), (1, true, true), "{step}");
    }
    operator.assert_sound();
}

#[test]
fn before_init_it_says_what_to_do_first() {
    let operator = Operator::before_init();
    let error = operator.run("-o json tenant create acme --name Acme");
    let error = error.fails_with(3).error();
    assert!(error["hint"].to_string().contains("tenantctl init"), "{error}");
}

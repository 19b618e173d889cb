//! `tenant create`: a database of its own for every tenant, once, whoever asks and how often.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Operator, Ran, Session, redacted, server};

/// Returns what a command could have changed: records, journal, trail and the world.
fn traces(operator: &Operator) -> (i64, i64, i64, i64, i64) {
    let mut plane = operator.plane();
    let mut count =
        |table: &str| plane.value(&format!("SELECT count(*) FROM control_plane.{table}"));
    let rows = (count("tenant_metadata"), count("operations"), count("policy_sync_log"));
    let id: String = plane.value("SELECT control_plane_id::text FROM control_plane.identity");
    let mut cluster = server().operator("postgres");
    let mut stamped = |catalog: &str, kind: &str| {
        cluster.value(&format!(
            "SELECT count(*) FROM {catalog} c WHERE shobj_description(c.oid, '{kind}') LIKE '%{id}%'"
        ))
    };
    let world = (stamped("pg_database", "pg_database"), stamped("pg_roles", "pg_authid"));
    (rows.0, rows.1, rows.2, world.0, world.1)
}

fn field<'v>(ran: &'v serde_json::Value, path: &str) -> &'v serde_json::Value {
    ran.pointer(path).unwrap_or_else(|| panic!("no {path} in {ran}"))
}

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
            ✓ Reserve the slug                0 ms  a new tenant, 11111111-2222-3333-4444-555555555555
            ✓ Create the database             0 ms  tenant_acme_00000000, closed for now
            ✓ Secure and stamp it             0 ms  its login alone may connect, identity stamped
            ✓ Register the connection         0 ms  /tmp/tctl-00000000/socket:5432, password sealed
            ✓ Migrate the schema              0 ms  7 applied, now at V7
            ✓ Seed sample data                0 ms  set `demo`, 1395 rows
            ✓ Verify with a real login        0 ms  login and gate work, RLS forced on 8 tables
            ✓ Activate the tenant             0 ms  active

            Next:
              tenantctl migrate apply --tenant acme
              tenantctl tenant url acme --reveal
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
        step.as_object_mut().unwrap().remove("outcome");
    }
    let document = serde_json::to_string_pretty(&document).unwrap();
    redacted(|| {
        insta::assert_snapshot!(document, @r#"
        {
          "schema_version": 1,
          "tenant": {
            "tenant_id": "11111111-2222-3333-4444-555555555555",
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
            "locked_at": null,
            "lock_reason": null,
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
              "elapsed_ms": 0,
              "was_there": false
            },
            {
              "step": "place",
              "elapsed_ms": 0,
              "was_there": false
            },
            {
              "step": "secure",
              "elapsed_ms": 0,
              "was_there": false
            },
            {
              "step": "register",
              "elapsed_ms": 0,
              "was_there": false
            },
            {
              "step": "verify",
              "elapsed_ms": 0,
              "was_there": false
            },
            {
              "step": "activate",
              "elapsed_ms": 0,
              "was_there": false
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
fn what_is_no_slug_is_a_usage_error_and_never_printed_raw() {
    // Nothing is contacted, so a control plane that is not there is never missed.
    let operator = Operator::unconfigured()
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://nobody@/none?host=/nowhere");
    let hostile: [&[u8]; 22] = [
        b"",
        b"a",
        b"-a",
        b"a-",
        b"1a",
        b"Acme",
        b"ac me",
        b"ac_me",
        b"acme;drop",
        b"a'b",
        b"../x",
        b"postgres",
        b"all",
        b"template1",
        b"supabase-x",
        b"pg-x",
        b"tenantctl",
        b"ac\x1b[2Jme",
        b"ac\nme",
        "ac\u{9b}31mme".as_bytes(),
        "ac\u{202e}me".as_bytes(),
        b"ac\xff\xfeme",
    ];
    let long = "a".repeat(100_000);
    let all = hostile.into_iter().chain([long.as_bytes()]);
    for slug in all {
        for format in ["table", "json"] {
            let words = ["-o", format, "tenant", "create", "--name", "x", "--"].map(OsStr::new);
            let ran = operator.run_words(&[&words[..], &[OsStr::from_bytes(slug)]].concat());
            let ran = ran.fails_with(2);
            assert_eq!(ran.stdout(), "", "{ran}");
            assert!(ran.stderr().len() < 4000, "{} bytes on stderr", ran.stderr().len());
            let raw =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!ran.stderr().contains(raw), "{:?}", ran.stderr());
            if format == "json" {
                assert_eq!(ran.error()["kind"], "usage");
            }
        }
    }
}

#[test]
fn what_is_typed_wrong_elsewhere_is_not_printed_raw_either() {
    let operator = Operator::unconfigured();
    for words in [
        ["tenant", "create", "acme", "--name", "x\u{9b}31m\u{202e}"],
        ["tenant", "create", "acme", "--name=x", "--pl\u{9b}an"],
        ["tenant", "li\u{9b}st", "", "", ""],
        ["session", "revoke", "--reason", "\u{9b}", "--tenant=acme"],
    ] {
        let ran = operator.run_words(&words.map(OsStr::new)).fails_with(2);
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.stderr().contains(raw), "{:?}", ran.stderr());
    }
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

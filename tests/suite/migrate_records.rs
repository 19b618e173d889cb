//! `migrate repair`, `migrate baseline` and `tenant adopt --baseline`: histories made to say what is so,
//! where the catalog says it too.

use std::fs;
use std::path::Path;

use crate::support::product::verdicts;
use crate::support::{Operator, PATIENCE, server, until};

const NOTES: &str = "CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);\n\
                     SELECT tenantctl.protect('public.notes');\n";

fn with_files(files: &[(&str, &str)]) -> Operator {
    let operator = Operator::new();
    let folder = operator.home().join("own");
    fs::create_dir(&folder).unwrap();
    write(&folder, files);
    operator.with("TENANTCTL_MIGRATIONS_DIR", folder)
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn checksum(operator: &Operator, slug: &str) -> String {
    let row = "SELECT checksum FROM tenantctl.schema_history WHERE version = 8";
    operator.inside(slug).ask(row)
}

#[test]
fn a_file_whose_comment_was_edited_is_accepted_where_the_catalog_agrees() {
    let operator = with_files(&[("V8__notes.sql", NOTES)]);
    let file = operator.home().join("own/V8__notes.sql");
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant create {slug} --name {slug}")).success();
    }
    let before = checksum(&operator, "acme");
    fs::write(&file, format!("-- What people write down.\n{NOTES}")).unwrap();
    let ran = operator.run("migrate apply --tenant acme -o json").fails_with(5);
    assert!(ran.stdout().contains("tenantctl migrate repair"), "{ran}");

    let repair = "migrate repair --accept 8 --reason 'a comment' -o json";
    let planned = operator.run(&format!("{repair} --all --dry-run")).success().json();
    assert_eq!(verdicts(&planned), "acme:planned globex:planned");
    let line = planned["results"][0]["pending"][0].as_str().unwrap();
    assert!(line.starts_with("V8__notes: ") && line.contains(" → "), "{line}");
    assert_eq!(checksum(&operator, "acme"), before, "a dry run records nothing");

    operator.inside("globex").run("GRANT SELECT ON public.notes TO PUBLIC");
    let done = operator.run(&format!("{repair} --all")).fails_with(9).json();
    assert_eq!(verdicts(&done), "acme:done globex:failed");
    assert_ne!(checksum(&operator, "acme"), before);
    assert_eq!(checksum(&operator, "globex"), before, "nothing is recorded where it differs");
    let ran = operator.run(&format!("{repair} --tenant globex")).fails_with(10);
    let error = &ran.json()["results"][0]["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("public.notes") && message.contains("PUBLIC"), "{error}");
    operator.inside("globex").run("REVOKE SELECT ON public.notes FROM PUBLIC");
    let done = operator.run(&format!("{repair} --all")).success().json();
    assert_eq!(verdicts(&done), "acme:unchanged globex:done");
    let _ran = operator.run("migrate status --verify").success();

    // As a run leaves it that was killed between the two commits.
    operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET schema_fingerprint = '0' WHERE slug = 'acme'",
    );
    let done = operator.run(&format!("{repair} --all")).success().json();
    assert_eq!(verdicts(&done), "acme:done globex:unchanged");
    let _ran = operator.run("migrate status --verify").success();

    // More than a comment: the clean build tells.
    fs::write(&file, NOTES.replace("body text", "body text, title text")).unwrap();
    let ran = operator.run(&format!("{repair} --tenant acme")).fails_with(10);
    assert!(ran.stdout().contains("column public.notes.title is missing"), "{ran}");
    let ran = operator.run("migrate repair --all --accept 9 --reason x -o json").fails_with(2);
    assert!(ran.error()["message"].as_str().unwrap().contains("no such migration"), "{ran}");
    fs::rename(&file, operator.home().join("own/V8__other.sql")).unwrap();
    let ran = operator.run(&format!("{repair} --tenant acme")).fails_with(5);
    assert!(ran.stdout().contains("accept V8__other: it was applied as V8__notes"), "{ran}");

    let audited = operator.run("audit list --action migrate.repair -o json").success().json();
    let entries = audited["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["reason"] == "a comment"), "{audited}");
}

/// Two files of a history of its own; the second makes an index.
const OWN: [(&str, &str); 2] = [
    ("V1__init.sql", "CREATE TABLE public.orders (id integer PRIMARY KEY, note text);\n"),
    ("V2__index.sql", "CREATE INDEX orders_by_note ON public.orders (note);\n"),
];

/// Makes a database with the first file's table, as its owner will be.
fn legacy() -> String {
    let name = server().new_database();
    let owned = "ALTER TABLE public.orders OWNER TO tenantctl_owner; \
                 INSERT INTO public.orders VALUES (1, 'kept')";
    server().superuser(&name).run(&format!("{}{owned}", OWN[0].1));
    name
}

#[test]
fn what_a_database_has_is_recorded_where_the_catalog_agrees() {
    let operator = with_files(&OWN);
    // The roles of a cluster are there with its first tenant.
    let _ran = operator.run("tenant create first --name First").success();
    let name = legacy();
    let _ran = operator.run(&format!("tenant adopt acme --name Acme --database {name}")).success();
    let _ran = operator.run("migrate apply --tenant acme").fails_with(8);
    let baseline = "migrate baseline --tenant acme --reason 'had it before' -o json";
    let ran = operator.run(&format!("{baseline} --at 2")).fails_with(10);
    assert!(ran.stdout().contains("index orders_by_note on public.orders is missing"), "{ran}");
    let rows = "SELECT count(*) FROM tenantctl.schema_history";
    assert_eq!(operator.inside("acme").ask(rows), "0");
    let planned = operator.run(&format!("{baseline} --at 1 --dry-run")).success().json();
    assert_eq!(planned["results"][0]["pending"][0], "V1__init");
    assert_eq!(operator.inside("acme").ask(rows), "0");
    let done = operator.run(&format!("{baseline} --at 1")).success().json();
    assert_eq!(done["results"][0]["applied"][0], "V1__init");
    let again = operator.run(&format!("{baseline} --at 1")).success().json();
    assert_eq!(verdicts(&again), "acme:unchanged");
    let _ran = operator.run("migrate apply --tenant acme").success();
    let _ran = operator.run("migrate status --verify").success();
    assert_eq!(operator.inside("acme").ask("SELECT note FROM public.orders"), "kept");
    let ran = operator.run(&format!("{baseline} --at 7")).fails_with(2);
    assert!(ran.error()["message"].as_str().unwrap().contains("no such migration"), "{ran}");

    // At once, with the adoption; where it differs, the same command goes on once it does not.
    let name = legacy();
    let adopt = format!("tenant adopt globex --name Globex --database {name} --baseline 2 -o json");
    let plan = operator.run(&format!("{adopt} --dry-run")).success().json();
    assert!(plan["plan"]["steps"].as_array().unwrap().contains(&"migrate".into()), "{plan}");
    let ran = operator.run(&adopt).fails_with(8);
    assert!(
        ran.error().to_string().contains("index orders_by_note on public.orders is missing"),
        "{ran}"
    );
    server().superuser(&name).run(&format!("SET ROLE tenantctl_owner; {}", OWN[1].1));
    let adopted = operator.run(&adopt).success().json();
    assert_eq!(adopted["tenant"]["schema_version"], 2);
    let _ran = operator.run("migrate status --tenant globex --verify").success();
    let audited = operator.run("audit list --action migrate.baseline -o json").success().json();
    let entries = audited["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["reason"] == "had it before"), "{audited}");
}

/// Runs a repair until it waits for what `holder` holds, and kills it there.
fn killed_while_it_waits(operator: &Operator, line: &str, database: &str, held: &str) {
    let mut holder = server().superuser(database);
    holder.run(&format!("BEGIN; {held}"));
    let running = operator.start(line, &[]);
    let mut watcher = server().superuser("postgres");
    until("the repair to wait", PATIENCE, || {
        let waiting = watcher.ask(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
               AND wait_event_type = 'Lock'"
        ));
        if waiting == "1" { Ok(()) } else { Err(waiting) }
    });
    drop(running);
    let gone = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
           AND application_name LIKE 'tenantctl%'"
    );
    until("its sessions to end", PATIENCE, || {
        let left = watcher.ask(&gone);
        if left == "0" { Ok(()) } else { Err(left) }
    });
    holder.run("ROLLBACK");
}

#[test]
fn a_repair_that_is_killed_recorded_nothing_or_all_and_the_same_command_finishes() {
    let operator = with_files(&[("V8__notes.sql", NOTES)]);
    let _ran = operator.run("tenant create acme --name Acme").success();
    let before = checksum(&operator, "acme");
    let file = operator.home().join("own/V8__notes.sql");
    fs::write(&file, format!("{NOTES}-- at the end\n")).unwrap();
    let repair = "migrate repair --all --accept 8 --reason x -o json";
    let database = operator.tenant("acme").database;
    killed_while_it_waits(
        &operator,
        repair,
        &database,
        "LOCK TABLE tenantctl.schema_history IN SHARE MODE",
    );
    assert_eq!(checksum(&operator, "acme"), before);
    // The history is committed; the control plane's record waits.
    let plane = operator.plane_name().to_owned();
    let row = "SELECT FROM control_plane.tenant_metadata FOR UPDATE";
    killed_while_it_waits(&operator, repair, &plane, row);
    assert_ne!(checksum(&operator, "acme"), before);
    let _ran = operator.run("migrate status").fails_with(10);
    let report = operator.home().join("report.xml");
    let line = format!("{repair} --fail-on-skipped --junit {}", report.display());
    let done = operator.run(&line).success().json();
    assert_eq!(done["results"][0]["applied"][0], "the control plane's record");
    assert!(fs::read_to_string(report).unwrap().contains("acme"));
    let _ran = operator.run("migrate status --verify").success();
}

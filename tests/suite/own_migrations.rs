//! Migrations of the operator's own: where a folder's files continue the embedded ones, how one is
//! begun, and what is refused before any tenant gets it.

use std::fs;
use std::path::Path;

use crate::support::product::verdicts;
use crate::support::{Operator, Ran, server};

/// A table of a tenant's rows that nobody protected.
const OPEN: &str = "CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);\n";

fn with_file(name: &str, text: &str) -> Operator {
    let operator = Operator::new();
    let folder = operator.home().join("own");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    operator.with("TENANTCTL_MIGRATIONS_DIR", folder)
}

fn history(operator: &Operator, slug: &str) -> String {
    let versions = "SELECT string_agg(version::text, ',' ORDER BY version) \
                    FROM tenantctl.schema_history";
    server().operator(&operator.tenant(slug).database).ask(versions)
}

fn create(operator: &Operator, slug: &str) -> Ran {
    operator.run(&format!("tenant create {slug} --name {slug}"))
}

#[test]
fn a_folder_that_begins_after_the_embedded_ones_adds_to_them() {
    let operator = with_file("V8__more.sql", "CREATE TABLE public.more ();");
    let embedded = [("TENANTCTL_MIGRATIONS_DIR", "")];
    let _ran = operator.start("tenant create acme --name Acme", &embedded).wait().success();
    assert_eq!(history(&operator, "acme"), "1,2,3,4,5,6,7");
    let ran = operator.run("migrate apply --tenant acme").success();
    let told = "migrations: the embedded ones up to V7, then V8 from ";
    assert!(ran.stderr().contains(told), "{ran}");
    assert_eq!(history(&operator, "acme"), "1,2,3,4,5,6,7,8");
    let ran = create(&operator, "globex").success();
    assert!(ran.stderr().contains(told), "{ran}");
    assert_eq!(history(&operator, "globex"), "1,2,3,4,5,6,7,8");
    let ran = operator.run("migrate status --verify").success();
    assert!(ran.stderr().contains(told), "{ran}");

    // The same files, all in one folder, make the same schema.
    let all = operator.home().join("all");
    let _ran = operator.run(&format!("migrate export {}", all.display())).success();
    fs::write(all.join("V8__more.sql"), "CREATE TABLE public.more ();").unwrap();
    let folder = [("TENANTCTL_MIGRATIONS_DIR", all.to_str().unwrap())];
    let ran = operator.start("migrate status", &folder).wait().success();
    assert!(ran.stderr().contains("V1 to V8 from"), "{ran}");
    assert!(ran.stderr().contains("none of the embedded ones"), "{ran}");

    // Only V8, and nothing below it: every tenant's history contradicts that.
    let alone = [("TENANTCTL_MIGRATIONS_BASE", "none")];
    let line = "migrate apply --all --dry-run -o json";
    let planned = operator.start(line, &alone).wait().fails_with(9).json();
    assert_eq!(verdicts(&planned), "acme:failed globex:failed");
    let cause = planned["failures"][0]["cause"].as_str().unwrap();
    assert!(cause.contains("this tenantctl has no V1"), "{cause}");
    let ran = operator.start("migrate apply --all -o json", &alone).wait().fails_with(9);
    assert_eq!(ran.json()["failures"], planned["failures"]);
}

#[test]
fn a_number_that_does_not_fit_is_refused_with_the_one_that_does() {
    for (file, what, remedy) in [
        ("V9__x.sql", "`V9__x.sql` leaves a gap: the next number is V8", "name it V8__x.sql"),
        ("V7__x.sql", "`V7__x.sql` has the number of an embedded migration", "name it V8__x.sql"),
    ] {
        let operator = with_file(file, "select 1;");
        for line in ["migrate status", "tenant create acme --name Acme"] {
            let ran = operator.run(line).fails_with(2);
            assert!(ran.stderr().contains(what) && ran.stderr().contains(remedy), "{ran}");
        }
    }
    let operator = Operator::new().with("TENANTCTL_MIGRATIONS_BASE", "none");
    let ran = operator.run("migrate status").fails_with(2);
    assert!(ran.stderr().contains("set TENANTCTL_MIGRATIONS_DIR"), "{ran}");
}

#[test]
fn export_writes_what_is_missing_and_overwrites_nothing() {
    let operator = Operator::unconfigured();
    let folder = operator.home().join("db/migrations");
    let line = format!("migrate export {} -o json", folder.display());
    let planned = operator.run(&format!("{line} --dry-run")).success().json();
    assert_eq!(planned["plan"]["files"][0]["outcome"], "planned");
    assert!(planned["dry_run"] == true && !folder.exists());
    let written = operator.run(&line).success().json();
    assert_eq!(written["files"][0]["outcome"], "written");
    assert_eq!(written["next_version"], 8);
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/domain");
    for file in written["files"].as_array().unwrap() {
        let name = file["file"].as_str().unwrap();
        assert_eq!(fs::read(folder.join(name)).unwrap(), fs::read(embedded.join(name)).unwrap());
    }
    fs::remove_file(folder.join("V1__foundation.sql")).unwrap();
    fs::write(folder.join("V3__products.sql"), "-- mine").unwrap();
    let ran = operator.run(&line).fails_with(5);
    assert!(ran.stderr().contains("V3__products.sql is there with another text"), "{ran}");
    assert!(!folder.join("V1__foundation.sql").exists());
    assert_eq!(fs::read_to_string(folder.join("V3__products.sql")).unwrap(), "-- mine");
}

/// Takes the example of a file that was begun out of its comment.
fn uncomment(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let (head, example) = text.split_once("-- An example").unwrap();
    let lines = example.lines().skip(1);
    let lines = lines.map(|line| line.strip_prefix("--").unwrap_or(line).trim_start_matches(' '));
    fs::write(path, format!("{head}{}", lines.collect::<Vec<_>>().join("\n"))).unwrap();
}

#[test]
fn a_migration_that_is_begun_has_what_create_wants_of_a_table() {
    for (base, version) in [("embedded", 8), ("none", 1)] {
        let operator = Operator::new().with("TENANTCTL_MIGRATIONS_BASE", base);
        let folder = operator.home().join("own");
        let ran = operator.run("migrate new notes").fails_with(2);
        assert!(ran.stderr().contains("set TENANTCTL_MIGRATIONS_DIR"), "{ran}");
        let line = format!("migrate new 'Notes' --dir {} -o json", folder.display());
        let planned = operator.run(&format!("{line} --dry-run")).success().json();
        assert!(planned["dry_run"] == true && !folder.exists());
        let begun = operator.run(&line).success().json();
        assert_eq!(begun["migration"]["version"], version);
        assert_eq!(begun["migration"]["base"], base);
        let operator = operator.with("TENANTCTL_MIGRATIONS_DIR", &folder);
        let second = operator.run("migrate new 'more notes' -o json").success().json();
        let expected = format!("V{}__more_notes.sql", version + 1);
        assert_eq!(second["migration"]["file"], expected.as_str());
        uncomment(&folder.join(format!("V{version}__notes.sql")));
        let _ran = operator.run("migrate lint").success();

        let _ran = create(&operator, "acme").success();
        let _ran = operator.run("migrate status --verify").success();
        let mut inside = operator.inside("acme");
        inside.run("INSERT INTO public.notes (title) VALUES ('a')");
        inside.run("UPDATE public.notes SET title = 'b'");
        assert_eq!(inside.ask("SELECT created_at < updated_at FROM public.notes"), "t");
        inside.run("SET app.current_tenant_id = '00000000-0000-0000-0000-000000000000'");
        assert_eq!(inside.ask("SELECT count(*) FROM public.notes"), "0");
        let mut login = operator.login("acme").unwrap();
        assert_eq!(login.ask("SELECT title FROM public.notes"), "b");
    }
}

#[test]
fn what_create_refuses_apply_refuses_before_any_tenant_gets_it() {
    let operator = with_file("V8__notes.sql", OPEN);
    let embedded = [("TENANTCTL_MIGRATIONS_DIR", "")];
    for slug in ["acme", "globex"] {
        let line = format!("tenant create {slug} --name {slug}");
        let _ran = operator.start(&line, &embedded).wait().success();
    }
    for line in
        ["migrate apply --all", "migrate apply --all --dry-run", "tenant create new --name N"]
    {
        let ran = operator.run(line).fails_with(3);
        for told in [
            "row security is not forced on notes (V8__notes.sql)",
            "write into V8__notes.sql: `SELECT tenantctl.protect('public.notes');`",
            "`-- tenantctl: shared public.notes because …`",
        ] {
            assert!(ran.stderr().contains(told), "{line}: {told}: {ran}");
        }
    }
    assert_eq!(history(&operator, "acme"), "1,2,3,4,5,6,7");
    assert_eq!(operator.tenants("new"), []);
    let leftovers = "SELECT count(*) FROM pg_database d, control_plane.identity i \
         WHERE datname LIKE 'tenant_clean_build_%' \
           AND shobj_description(d.oid, 'pg_database') LIKE '%' || i.control_plane_id || '%'";
    assert_eq!(operator.plane().ask(leftovers), "0");

    // A table that is open already is found, whoever made it.
    operator.inside("globex").run(OPEN);
    let ran = operator.start("migrate status --tenant globex --verify", &embedded).wait();
    let ran = ran.fails_with(10);
    assert!(ran.stdout().contains("row security is not forced on notes"), "{ran}");
    operator.inside("globex").run("DROP TABLE public.notes");

    let file = operator.home().join("own/V8__notes.sql");
    let shared = format!("-- tenantctl: shared notes because everybody reads them\n{OPEN}");
    fs::write(&file, shared).unwrap();
    let planned = operator.run("migrate apply --all --dry-run -o json").success().json();
    assert_eq!(verdicts(&planned), "acme:planned globex:planned");
    let _ran = operator.run("migrate apply --all").success();
    let _ran = create(&operator, "new").success();
    let _ran = operator.run("migrate status --verify").success();

    fs::write(operator.home().join("own/V9__x.sql"), "-- tenantctl: shared x\nselect 1;").unwrap();
    let ran = operator.run("migrate status").fails_with(2);
    assert!(ran.stderr().contains("needs a table and a reason"), "{ran}");
}

/// A file that a clean build cannot run, since it needs what only these tenants have: the first one
/// tells, and the others are not touched.
#[test]
fn where_nothing_can_be_judged_before_one_tenant_is() {
    let text = format!("INSERT INTO public.theirs DEFAULT VALUES;\n{OPEN}");
    let operator = with_file("V8__notes.sql", &text);
    let embedded = [("TENANTCTL_MIGRATIONS_DIR", "")];
    for slug in ["acme", "globex"] {
        let line = format!("tenant create {slug} --name {slug}");
        let _ran = operator.start(&line, &embedded).wait().success();
        operator.inside(slug).run("CREATE TABLE public.theirs ()");
    }
    let report = operator.run("migrate apply --all -o json").fails_with(9).json();
    assert_eq!(verdicts(&report), "acme:failed globex:failed");
    let hint = report["results"][0]["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("a new migration (tenantctl migrate new protect)"), "{hint}");
    let both = [history(&operator, "acme"), history(&operator, "globex")];
    let one = both.iter().filter(|it| it.ends_with(",8")).count();
    assert_eq!(one, 1, "{both:?}");
}

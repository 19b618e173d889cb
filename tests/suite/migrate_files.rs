//! Files as people have them: each folder of `tests/data/field` is one operator's migrations, with
//! what becomes of them.
//!
//! `scope`, `view` and `part` are about row security: `create`'s verification judges them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Operator, Ran, Session, server};

/// Runs through: every file at once, and one by one to the same database.
const WORKS: &[(&str, &str, &str)] = &[
    ("atomic", "SELECT public.add_two(1, 2)", "3"),
    ("bom", "TABLE public.customers", ""),
    (
        "copy1",
        "SELECT string_agg(code || name, ',' ORDER BY code) FROM public.countries",
        "DEGermany,INIndia",
    ),
    ("copy3", "SELECT to_regclass('public.after') IS NOT NULL", "t"),
    ("crlf", "SELECT obj_description('public.t_a'::regclass)", "x"),
    ("dbmate", "TABLE public.t_a", ""),
    ("disc_038472", "SELECT name FROM tenantctl.schema_history", "add_users"),
    ("disc_140a3f", "SELECT version FROM tenantctl.schema_history", "20240101120000"),
    ("disc_166c71", "SELECT name FROM tenantctl.schema_history", "init"),
    ("disc_554f66", "TABLE public.t_a", ""),
    ("disc_614a1b", "SELECT name FROM tenantctl.schema_history", "ünï"),
    ("disc_784102", "SELECT version FROM tenantctl.schema_history", "1"),
    ("disc_7e62c2", "TABLE public.t_a", ""),
    ("disc_85959f", "SELECT version FROM tenantctl.schema_history", "0"),
    ("disc_9db89c", "TABLE public.t_a", ""),
    ("disc_eafc8e", "SELECT version FROM tenantctl.schema_history", "20240101120000"),
    ("disc_f000c3", "TABLE public.t_a", ""),
    ("disc_fbe22e", "TABLE public.t_a", ""),
    ("dseed", "TABLE public.customers", ""),
    ("dump", "SELECT count(*) FROM public.customers, public.orders", "0"),
    ("dump1", "SELECT count(*) FROM public.customers, public.orders", "0"),
    ("empty", "SELECT count(*) FROM tenantctl.schema_history", "4"),
    ("enum2", "SELECT m FROM public.p", "happy"),
    ("estr2", "SELECT body FROM public.notes", "don't; commit; please"),
    ("ev4", "TABLE public.a", ""),
    ("ev5", "SELECT \"weird\"\"; commit; --\" FROM public.a", ""),
    ("ev6", "SELECT to_regproc('public.f') IS NOT NULL", "t"),
    ("ev8", "TABLE public.a", ""),
    ("fmt", "TABLE public.t", ""),
    ("late", "SELECT count(*) FROM tenantctl.schema_history", "3"),
    ("lk_d1", "TABLE public.d", ""),
    // The second file is read as in a session of its own: month first, UTC.
    (
        "lk_datestyle",
        "SELECT x || ' ' || (y AT TIME ZONE 'UTC') FROM public.d",
        "2024-03-04 2024-01-01 00:00:00",
    ),
    ("lk_off", "SELECT string_agg(v::text, ',') FROM public.t", "7,7"),
    ("lk_rls", "SELECT string_agg(v::text, ',') FROM public.t", "7,7"),
    ("lk_ro", "TABLE public.b", ""),
    ("lk_role", "SELECT tableowner FROM pg_tables WHERE tablename = 'b'", "tenantctl_owner"),
    ("lk_shadow", "SELECT id || note FROM public.orders", "1backfilled"),
    ("lk_temp", "TABLE public.b", ""),
    ("lk_temp1", "TABLE public.a", ""),
    ("mark", "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass", "t"),
    ("mark2", "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass", "t"),
    ("mark3", "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass", "t"),
    ("mark4", "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass", "t"),
    ("nest2", "TABLE public.a", ""),
    ("refresh", "SELECT ispopulated FROM pg_matviews", "t"),
    ("restrict", "TABLE public.customers", ""),
    ("slr", "SELECT count(*) FROM tenantctl.schema_history", "1"),
    ("txlevel", "TABLE public.t", ""),
    ("vac2", "SELECT count(*) FROM tenantctl.schema_history", "2"),
];

/// Refused before anything runs: the file, the line where there is one, what is wrong, the remedy.
const REFUSED: &[(&str, &str, &str)] = &[
    ("copy2", "V1__x.sql: line 2: no line `\\.` ends the data of COPY", "cut off"),
    (
        "copyfile",
        "V1__x.sql: line 2: COPY with a file's name means a file on the server",
        "FROM STDIN",
    ),
    ("copyto", "V1__x.sql: line 2: nobody reads what COPY … TO STDOUT writes", "take it out"),
    ("disc_02c089", "`U1__undo.sql` is not named like a migration", "V1__vendors.sql"),
    ("disc_03c6f0", "1__x.sql` is not named like a migration", "V1__vendors.sql"),
    ("disc_141ff3", "`V1_init.sql` is not named like a migration", "V1__vendors.sql"),
    ("disc_1c82f7", "`V1.2__init.sql` is not named like a migration", "V1__vendors.sql"),
    ("disc_44f65c", "`R__view.sql` is not named like a migration", "V1__vendors.sql"),
    ("disc_5ab0ba", "`V1__init.SQL` does not end in `.sql`", "V1__vendors.sql"),
    ("disc_a395a2", "`V1__init.sql~` does not end in `.sql`", "V1__vendors.sql"),
    ("disc_d8d1c0", "`V1_1__x.sql` is not named like a migration", "V1__vendors.sql"),
    (
        "days",
        "`20240130_second.sql` has a date of 8 digits: by its number it comes before `20230407194143_first.sql`",
        "name it 20240130000000_second.sql",
    ),
    (
        "doc",
        "V1__a.sql: line 1: DO with a COMMIT or ROLLBACK in it",
        "-- tenantctl: no-transaction",
    ),
    ("dollar", "V1__x.sql: line 2: `COMMIT` would break the transaction", "take it out"),
    (
        "enum1",
        "V2__b.sql: line 2: it uses 'happy' of type mood, which line 1 adds",
        "file of its own",
    ),
    ("estr", "V1__x.sql: line 3: `COMMIT` would break the transaction", "take it out"),
    ("ev1", "V1__x.sql: line 3: `COMMIT` would break the transaction", "take it out"),
    ("ev2", "V1__x.sql: line 1: `END` would break the transaction", "take it out"),
    ("ev3", "V1__x.sql: line 1: `RELEASE` would break the transaction", "take it out"),
    (
        "ev9",
        "V1__x.sql: line 2: CREATE INDEX CONCURRENTLY does not work",
        "-- tenantctl: no-transaction",
    ),
    ("lat1", "`V1__a.sql`, line 1: it is not UTF-8", "save it as UTF-8"),
    ("nest1", "V1__x.sql: line 4: `COMMIT` would break the transaction", "take it out"),
    ("nul", "V1__a.sql: line 1: it holds a NUL byte", "plain text"),
    ("sub", "`2024/V2__b.sql` is in a sub-folder", "move it"),
    ("u16", "`V1__a.sql`, line 1: it is UTF-16", "save it as UTF-8"),
    ("unterm", "V1__a.sql: line 1: a comment begins here and never ends", "end it"),
    ("unterm2", "V1__a.sql: line 1: a dollar-quoted string begins here and never ends", "end it"),
    ("unterm3", "V1__a.sql: line 1: a string begins here and never ends", "end it"),
    ("upper", "`V2__b.SQL` does not end in `.sql`", "V1__vendors.sql"),
    (
        "vac",
        "V2__v.sql: line 1: VACUUM does not work inside a transaction",
        "-- tenantctl: no-transaction",
    ),
];

/// Only the server can tell, and the hint says what to do: the cause, and the hint.
const FAILS: &[(&str, &str, &str)] = &[
    ("ev10", "no schema has been selected", "correct V1__x.sql, then run the same command again"),
    ("ev7", "syntax error at or near", "correct V1__x.sql, then run the same command again"),
    ("p1", "schema \\\"auth\\\" does not exist", "`auth` as a Supabase project has it"),
    ("p2", "does not exist", "as a Supabase project has it"),
    (
        "p3",
        "uuid_generate_v4() does not exist",
        "`uuid-ossp` in schema `extensions` as a Supabase project has it",
    ),
    ("p4", "schema \\\"extensions\\\" does not exist", "TENANTCTL_PLACEMENT=project"),
    ("p5", "storage.buckets\\\" does not exist", "`storage` as a Supabase project has it"),
    ("p6", "schema \\\"auth\\\" does not exist", "`auth` as a Supabase project has it"),
    (
        "p7",
        "supabase_realtime\\\" does not exist",
        "`supabase_realtime` as a Supabase project has it",
    ),
    ("p8", "\\\"postgres\\\"", "`postgres` as a Supabase project has it"),
    ("p9", "schema \\\"extensions\\\" does not exist", "`extensions` as a Supabase project has it"),
];

fn field(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/field").join(folder)
}

fn run(operator: &Operator, folder: &Path, line: &str) -> Ran {
    let folder = folder.to_str().unwrap();
    operator.start(line, &[("TENANTCTL_MIGRATIONS_DIR", folder)]).wait()
}

fn slug(folder: &str) -> String {
    format!("f-{}", folder.replace('_', "-"))
}

fn create(operator: &Operator, folder: &str) -> Ran {
    let slug = slug(folder);
    run(operator, &field(folder), &format!("tenant create {slug} --name {slug} -o json"))
}

/// Returns everything in a tenant's database that its files made: relations with owner, grants,
/// columns, indexes and rows, functions, enums.
fn content(operator: &Operator, slug: &str) -> String {
    let tenant = operator.tenant(slug);
    let mut inside = server().superuser(&tenant.database);
    let said = inside.ask(
        "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ( \
           SELECT format('%s %s %s %s', c.oid::regclass, relkind, relowner::regrole, relacl) \
           FROM pg_class c WHERE relnamespace <> ALL (ARRAY['pg_catalog', 'pg_toast', \
             'information_schema', 'tenantctl']::regnamespace[]) \
           UNION ALL SELECT format('%s.%s %s', attrelid::regclass, attname, atttypid::regtype) \
           FROM pg_attribute JOIN pg_class c ON c.oid = attrelid \
           WHERE relnamespace = 'public'::regnamespace AND attnum > 0 \
           UNION ALL SELECT format('%s %s', indexrelid::regclass, indisvalid) FROM pg_index \
           JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace \
           UNION ALL SELECT format('%s %s', oid::regprocedure, proowner::regrole) FROM pg_proc \
           WHERE pronamespace = 'public'::regnamespace \
           UNION ALL SELECT format('%s %s', enumtypid::regtype, enumlabel) FROM pg_enum \
           UNION ALL SELECT query_to_xml(format('TABLE %s', c.oid::regclass), true, true, '')::text \
           FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') \
           UNION ALL SELECT format('%s %s %s', version, name, checksum) FROM tenantctl.schema_history \
         ) AS everything(line)",
    );
    said.replace(&tenant.id, "TENANT")
}

fn database(operator: &Operator, slug: &str) -> Session {
    server().superuser(&operator.tenant(slug).database)
}

/// Applies a folder's files in one run each and returns the tenant's slug.
fn one_by_one(operator: &Operator, folder: &str) -> String {
    let (path, slug) = (field(folder), format!("{}-alone", slug(folder)));
    let _ran =
        run(operator, &path, &format!("tenant create {slug} --name x --no-migrate")).success();
    let versions = operator_versions(operator, folder);
    for version in versions {
        let line = format!("migrate apply --tenant {slug} --target {version}");
        let _ran = run(operator, &path, &line).success();
    }
    slug
}

fn operator_versions(operator: &Operator, folder: &str) -> Vec<i64> {
    let versions: Vec<(i64,)> = database(operator, &slug(folder))
        .rows("SELECT version FROM tenantctl.schema_history ORDER BY version");
    versions.into_iter().map(|(version,)| version).collect()
}

fn works(cases: &[(&str, &str, &str)]) {
    let operator = Operator::new();
    for (folder, question, answer) in cases {
        let ran = create(&operator, folder);
        assert_eq!(ran.code(), 0, "{folder}: {ran}");
        assert_eq!(database(&operator, &slug(folder)).ask(question), *answer, "{folder}");
        let alone = one_by_one(&operator, folder);
        let (together, alone) = (content(&operator, &slug(folder)), content(&operator, &alone));
        assert_eq!(together, alone, "{folder}: together, and one by one");
        assert!(!together.is_empty(), "{folder}");
    }
}

/// Returns one of three parts of a table: three tests at a time take less than one.
fn third<T>(of: &[T], number: usize) -> &[T] {
    &of[of.len() * number / 3..of.len() * (number + 1) / 3]
}

#[test]
fn good_files_work_together_and_one_by_one() {
    works(third(WORKS, 0));
}

#[test]
fn more_good_files_work_together_and_one_by_one() {
    works(third(WORKS, 1));
}

#[test]
fn the_rest_of_the_good_files_work_together_and_one_by_one() {
    works(third(WORKS, 2));
}

#[test]
fn what_cannot_run_is_refused_by_name_line_and_remedy_before_anything_is_contacted() {
    let nowhere = "postgresql://operator@/nowhere?host=/nowhere";
    let operator = Operator::new().with("TENANTCTL_CONTROL_PLANE_URL", nowhere);
    for (folder, what, remedy) in REFUSED {
        let ran = create(&operator, folder);
        assert_eq!(ran.code(), 2, "{folder}: {ran}");
        let error = ran.error();
        assert!(error["message"].as_str().unwrap().contains(what), "{folder}: {ran}");
        assert!(error["hint"].as_str().unwrap().contains(remedy), "{folder}: {ran}");
    }
}

#[test]
fn what_the_server_refuses_leaves_nothing_and_the_hint_says_what_to_do() {
    let operator = Operator::new();
    for (folder, cause, hint) in FAILS {
        let ran = create(&operator, folder);
        assert_eq!(ran.code(), 8, "{folder}: {ran}");
        let error = ran.error();
        assert!(error["causes"].to_string().contains(cause), "{folder}: {ran}");
        let told = error["hint"].as_str().unwrap();
        assert!(told.contains(hint) && !told.contains("continues where it stopped"), "{ran}");
        assert!(told.ends_with("run the same command again"), "{folder}: {ran}");
        assert!(!ran.stderr().contains("INSERT INTO tenantctl"), "{folder}: {ran}");
        let left = database(&operator, &slug(folder))
            .ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
        assert_eq!(left, "0", "{folder}");
    }
}

#[test]
fn lint_refuses_what_apply_refuses_and_nothing_else() {
    let operator = Operator::unconfigured();
    let lint =
        |folder: &str| operator.run(&format!("migrate lint {} -o json", field(folder).display()));
    let refused = |ran: &Ran| {
        let findings = ran.json()["findings"].as_array().unwrap().clone();
        let refused = findings.into_iter().filter(|finding| finding["refused"] == true);
        refused.map(|it| (it["file"].clone(), it["line"].clone(), it["message"].clone())).collect()
    };
    for (folder, what, _) in REFUSED {
        let ran = lint(folder);
        if ran.code() == 2 {
            assert!(ran.error()["message"].as_str().unwrap().contains(what), "{folder}: {ran}");
            continue;
        }
        let found: Vec<_> = refused(&ran.fails_with(10));
        let is_told = found.iter().any(|(file, line, message)| {
            let file = Path::new(file.as_str().unwrap()).file_name().unwrap().to_string_lossy();
            format!("{file}: line {line}: {}", message.as_str().unwrap()).contains(what)
        });
        assert!(is_told, "{folder}: {found:?}");
    }
    for (folder, _, _) in WORKS.iter().chain(FAILS) {
        let ran = lint(folder);
        assert!([0, 10].contains(&ran.code()), "{folder}: {ran}");
        assert_eq!(refused(&ran), Vec::<(_, _, _)>::new(), "{folder}");
    }
}

#[test]
fn every_folder_has_its_place_in_a_table() {
    let named = |folder: &str| {
        let tables = [WORKS, REFUSED, FAILS];
        let elsewhere = ["app", "cic", "p10", "p10b", "part", "scope", "view"];
        tables.iter().any(|table| table.iter().any(|case| case.0 == folder))
            || elsewhere.contains(&folder)
    };
    for entry in fs::read_dir(field("")).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        assert!(named(&folder), "{folder}");
    }
}

#[test]
fn an_index_that_a_failed_build_left_is_built_again() {
    let operator = Operator::new();
    let folder = operator.home().join("cic");
    fs::create_dir(&folder).unwrap();
    for file in ["V1__a.sql", "V2__i.sql"] {
        fs::copy(field("cic").join(file), folder.join(file)).unwrap();
    }
    let line = "tenant create f-cic --name x -o json";
    let ran = run(&operator, &folder, line).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("23505"), "{ran}");
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert_eq!(hint, "correct the data, or V2__i.sql, then run the same command again");
    let mut inside = operator.inside("f-cic");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(inside.ask(invalid), "0", "nothing of it stays");
    // As a build leaves it that was killed.
    let build = fs::read_to_string(folder.join("V2__i.sql")).unwrap();
    let refused = inside.attempt(&build).unwrap_err();
    assert!(refused.starts_with("23505"), "{refused}");
    assert_eq!(inside.ask(invalid), "1");
    inside.run("DELETE FROM u WHERE id = 2");
    let _ran = run(&operator, &folder, line).success();
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.u_email'::regclass";
    assert_eq!(inside.ask(valid), "t");
    let twice = inside.attempt("INSERT INTO u VALUES (3, 'a')").unwrap_err();
    assert!(twice.starts_with("23505"), "{twice}");
}

#[test]
fn a_fault_has_its_place_in_the_file_behind_a_mark_and_behind_data() {
    let operator = Operator::new();
    let folder = operator.home().join("faults");
    fs::create_dir(&folder).unwrap();
    for (number, text, place) in [
        (1, "\u{feff}-- ä\n\nselect nope;\n", "at line 3, column 8"),
        (
            2,
            "create table t(a text);\r\ncopy t from stdin;\r\nä\r\n\\.\r\nselect 1, nope;\r\n",
            "at line 5, column 11",
        ),
        (3, "select 1;\n\\restrict a\nselect 2; select nope;\n", "at line 3, column 18"),
    ] {
        fs::write(folder.join("V1__a.sql"), text).unwrap();
        let ran = run(&operator, &folder, &format!("tenant create f-{number} --name x -o json"));
        let causes = ran.fails_with(8).error()["causes"].to_string();
        assert!(causes.contains(&format!("apply V1__a {place}")), "{causes}");
    }
}

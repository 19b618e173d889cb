//! What a file leaves behind in its session does not reach the next one, nor the seeds.

use std::fs;

use crate::support::{Operator, server};

/// Leaves behind whatever a file can.
const LEAVES: &str = "
    CREATE TABLE public.first (id int PRIMARY KEY);
    CREATE TABLE public.parent (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO public.parent VALUES (1);
    CREATE TEMP TABLE first AS SELECT 1 AS id;
    CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE SEQUENCE public.numbers; SELECT nextval('public.numbers');
    PREPARE p AS SELECT 1;
    DECLARE c CURSOR WITH HOLD FOR SELECT 1;
    LISTEN something;
    SELECT pg_advisory_lock(42), pg_advisory_lock(-1, -2), pg_advisory_lock_shared(43);
    SET search_path = ''; SET TIME ZONE 'Asia/Kolkata'; SET datestyle = 'SQL, DMY';
    SET row_security = off; SET default_transaction_read_only = on; SET work_mem = '1MB';
    SET standard_conforming_strings = off; SET client_encoding = 'LATIN1'; SET statement_timeout = 60000;
    SET application_name = 'mine'; SET app.current_tenant_id = '00000000-0000-0000-0000-000000000000';
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE;
    SET ROLE tenantctl_app; SET SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE;";

/// Writes down what a session is.
const SEEN: &str = "CREATE TABLE public.seen AS SELECT kind, name FROM (
    SELECT 'role' AS kind, current_user || ' ' || session_user AS name
    UNION ALL SELECT 'first', relnamespace::regnamespace::text FROM pg_class
      WHERE oid = to_regclass('first')
    UNION ALL SELECT 'temporary', relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
    UNION ALL SELECT 'temporary', proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()
    UNION ALL SELECT 'prepared', s.name FROM pg_prepared_statements s WHERE from_sql
    UNION ALL SELECT 'cursor', c.name FROM pg_cursors c WHERE is_holdable
    UNION ALL SELECT 'channel', pg_listening_channels()
    UNION ALL SELECT CASE WHEN (classid::bigint, objid::bigint) IN
        ((0, 42), (0, 43), (4294967295, 4294967294)) THEN 'locks of the file' ELSE 'lock' END, ''
      FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() GROUP BY 1
    UNION ALL SELECT 'tenant', current_setting('app.current_tenant_id')
    UNION ALL SELECT 'setting', format('%s = %s', s.name, setting) FROM pg_settings s
      WHERE source IN ('session', 'client') AND s.name NOT LIKE 'transaction%'
    UNION ALL SELECT 'setting', format('%s = %s', s.name, setting) FROM pg_settings s
      WHERE s.name IN ('TimeZone', 'DateStyle', 'client_encoding', 'row_security', 'search_path')
  ) AS seen;
  DO $$ BEGIN
    PERFORM lastval();
    INSERT INTO public.seen VALUES ('sequence', 'a number was taken');
  EXCEPTION WHEN object_not_in_prerequisite_state THEN
  END $$;";

/// Returns an operator with these files in a folder, which the variable names.
fn with_files(variable: &str, files: &[(&str, &str)]) -> Operator {
    let operator = Operator::new();
    let folder = operator.home().join(variable);
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    operator.with(variable, folder)
}

fn seen(operator: &Operator, slug: &str) -> String {
    let tenant = operator.tenant(slug);
    let question = "SELECT kind, name FROM public.seen ORDER BY 1, 2";
    let said = server().superuser(&tenant.database).ask(question);
    assert!(said.contains("role|tenantctl_owner operator"), "{said}");
    assert!(said.contains(&format!("tenant|{}", tenant.id)), "{said}");
    // The command's own process is in the name of its session.
    let lines = said.lines().filter(|line| !line.contains("application_name"));
    lines.collect::<Vec<_>>().join("\n").replace(&tenant.id, "TENANT")
}

#[test]
fn a_file_finds_the_session_as_the_first_one_did() {
    let files = [("V1__leaves.sql", LEAVES), ("V2__seen.sql", SEEN)];
    let operator = with_files("TENANTCTL_MIGRATIONS_DIR", &files);
    let _ran = operator.run("tenant create together --name x").success();
    let _ran = operator.run("tenant create apart --name x --no-migrate").success();
    for target in [1, 2] {
        let _ran =
            operator.run(&format!("migrate apply --tenant apart --target {target}")).success();
    }
    let (together, apart) = (seen(&operator, "together"), seen(&operator, "apart"));
    assert_eq!(together, apart);
    assert!(together.contains("lock|") && !together.contains("locks of the file"), "{together}");
    assert!(together.contains("first|public"), "{together}");
    assert!(!together.contains("sequence|"), "{together}");
}

#[test]
fn what_a_file_deferred_is_checked_in_the_state_it_left() {
    // The trigger finds its table by the file's own path, as at a COMMIT of the file's.
    let files = [(
        "V1__deferred.sql",
        "CREATE SCHEMA app; CREATE TABLE app.t (id int); CREATE TABLE app.log (id int);
         CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN INSERT INTO log VALUES (new.id); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.t DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION app.note();
         SET search_path = app; INSERT INTO t VALUES (7);",
    )];
    let operator = with_files("TENANTCTL_MIGRATIONS_DIR", &files);
    let _ran = operator.run("tenant create acme --name x").success();
    let logged = server().superuser(&operator.tenant("acme").database).ask("TABLE app.log");
    assert_eq!(logged, "7");
}

/// What `pg_dump` writes before the rows.
const PREAMBLE: &str = "\\restrict aB1\nSET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n\
    SET standard_conforming_strings = on;\n\
    SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n";

#[test]
fn a_dumps_preamble_in_a_seed_loses_neither_path_nor_tenant() {
    let dump = format!(
        "{PREAMBLE}INSERT INTO public.vendors (code, name) VALUES ('A', 'a');\n\\unrestrict aB1\n"
    );
    let files = [
        ("dumped/010.sql", &*dump),
        ("dumped/020.sql", "SET app.current_tenant_id = ''; SET LOCAL ROLE tenantctl_app;"),
        ("dumped/030.sql", "INSERT INTO vendors (code, name) VALUES ('B', 'b');"),
    ];
    let operator = with_files("TENANTCTL_SEEDS_DIR", &files);
    let _ran = operator.run("tenant create acme --name x --seed=dumped").success();
    let tenant = operator.tenant("acme");
    let rows = "SELECT code || tenant_id FROM public.vendors ORDER BY code";
    let seen = server().superuser(&tenant.database).ask(rows);
    assert_eq!(seen, format!("A{0}\nB{0}", tenant.id));
}

#[test]
fn data_behind_a_copy_are_seeds_as_well() {
    let table = "CREATE TABLE public.countries (code text PRIMARY KEY, name text);";
    let operator = with_files("TENANTCTL_MIGRATIONS_DIR", &[("0001_countries.sql", table)]);
    let seeds = operator.home().join("seeds/world");
    fs::create_dir_all(&seeds).unwrap();
    let copy = "COPY public.countries FROM stdin;\nDE\tit's; commit;\nIN\t\\N\n\\.\n";
    fs::write(seeds.join("010.sql"), copy).unwrap();
    let operator = operator.with("TENANTCTL_SEEDS_DIR", seeds.parent().unwrap());
    let _ran = operator.run("tenant create acme --name x --seed=world").success();
    let mut inside = server().superuser(&operator.tenant("acme").database);
    assert_eq!(inside.ask("TABLE public.countries"), "DE|it's; commit;\nIN|");
    // A row that does not fit takes all of the set with it.
    fs::write(seeds.join("020.sql"), "COPY public.countries FROM stdin;\nFR\nUS\t\n\\.\n").unwrap();
    fs::write(seeds.join("015.sql"), "INSERT INTO public.countries VALUES ('NL');").unwrap();
    let ran = operator.run("seed apply --tenant acme --set world -o json").fails_with(8);
    let error = ran.json()["results"][0]["error"].clone();
    assert!(error["message"].to_string().contains("world/020.sql"), "{error}");
    let hint = "correct world/020.sql, then run the same command again";
    assert_eq!(error["hint"], hint, "{error}");
    assert_eq!(inside.ask("SELECT count(*) FROM public.countries"), "2");
}

#[test]
fn a_seed_set_that_is_not_one_transaction_is_refused_and_nothing_is_contacted() {
    for (text, what) in [
        ("INSERT INTO vendors (code, name) VALUES ('A', 'a');\nCOMMIT;\n", "line 2: `COMMIT`"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\n", "line 1: `BEGIN`"),
        ("-- tenantctl: no-transaction\nVACUUM vendors;\n", "line 2: VACUUM"),
        ("\n\\i other.sql\n", "line 2: `\\i` is a command of psql"),
    ] {
        let nowhere = "postgresql://operator@/nowhere?host=/nowhere";
        let operator = with_files("TENANTCTL_SEEDS_DIR", &[("odd/010.sql", text)])
            .with("TENANTCTL_CONTROL_PLANE_URL", nowhere);
        let ran = operator.run("seed apply --all --set odd -o json").fails_with(2);
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("odd/010.sql") && message.contains(what), "{ran}");
        assert!(ran.error()["hint"].as_str().unwrap().contains("take it out"), "{ran}");
    }
}

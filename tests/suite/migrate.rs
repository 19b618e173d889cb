//! `migrate apply` and `migrate status`: which tenants, what happens to each, and what is refused
//! before anything is touched.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Operator, PATIENCE, Ran, Session, server, until};

/// A migration that adds a table and fails where somebody left a certain row.
const NOTES: &str = "CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);\n\
     ALTER TABLE public.vendors ADD CONSTRAINT no_poison CHECK (code <> 'POISON');\n";

/// An operator whose product's migrations stand in a folder: the embedded ones, and more.
struct Product {
    operator: Operator,
    folder: PathBuf,
}

impl Product {
    fn new() -> Self {
        let operator = Operator::new();
        let folder = operator.home().join("migrations");
        fs::create_dir(&folder).unwrap();
        let embedded = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/domain");
        for entry in fs::read_dir(embedded).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
        let operator = operator.with("TENANTCTL_MIGRATIONS_DIR", &folder);
        Self { operator, folder }
    }

    fn add(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn create(&self, slugs: &[&str]) {
        let running: Vec<_> = slugs
            .iter()
            .map(|slug| self.operator.start(&format!("tenant create {slug} --name {slug}"), &[]))
            .collect();
        for create in running {
            let _ran = create.wait().success();
        }
    }

    fn run(&self, line: &str) -> Ran {
        self.operator.run(line)
    }

    /// Opens a session inside a tenant's database as the operator.
    fn database(&self, slug: &str) -> Session {
        server().operator(&self.operator.tenant(slug).database)
    }

    /// Returns the versions in a tenant's own history.
    fn history(&self, slug: &str) -> String {
        let versions = "SELECT string_agg(version::text, ',' ORDER BY version) \
                        FROM tenantctl.schema_history";
        self.database(slug).ask(versions)
    }

    /// Returns what the control plane recorded.
    fn recorded(&self, slug: &str) -> String {
        self.operator.plane().ask(&format!(
            "SELECT schema_version FROM control_plane.tenant_metadata WHERE slug = '{slug}'"
        ))
    }
}

/// Returns `slug:verdict` of every result, in order.
fn verdicts(report: &Value) -> String {
    let results = report["results"].as_array().unwrap().iter();
    let shown = results.map(|result| {
        let text = |field: &str| result[field].as_str().unwrap().to_owned();
        format!("{}:{}", text("tenant"), text("verdict"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn result<'v>(report: &'v Value, slug: &str) -> &'v Value {
    let mut results = report["results"].as_array().unwrap().iter();
    results.find(|result| result["tenant"] == slug).unwrap()
}

/// Waits until some session waits for the lock on the vendors of this database.
fn wait_for_the_table(watcher: &mut Session) {
    until("a session to wait for the table", PATIENCE, || {
        let waiting = watcher.ask(
            "SELECT count(*) FROM pg_locks WHERE NOT granted \
             AND relation = 'public.vendors'::regclass",
        );
        if waiting == "0" { Err("nobody waits".to_owned()) } else { Ok(()) }
    });
}

/// Waits until a process has taken its signal and sleeps again.
fn wait_until_noticed(pid: u32) {
    until("the signal to be noticed", PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
        };
        let is_pending = field("ShdPnd:").bytes().any(|digit| digit != b'0');
        match (is_pending, field("State:").as_str()) {
            (false, "S") => Ok(()),
            (_, state) => Err(format!("state {state}, pending: {is_pending}")),
        }
    });
}

#[test]
fn every_selector_means_the_tenants_it_says() {
    let product = Product::new();
    let labelled = "tenant create gold-one --name One --label tier=gold --label region=south";
    let creates = [labelled, "tenant create gold-two --name Two --label tier=gold"];
    for create in creates {
        let _ran = product.run(create).success();
    }
    product.create(&["plain"]);
    let plan = |line: &str| {
        let ran = product.run(&format!("migrate apply {line} --dry-run -o json")).success();
        let report = ran.json();
        assert_eq!(report["schema_version"], 1);
        assert_eq!(report["dry_run"], true);
        let results = report["results"].as_array().unwrap().iter();
        results.map(|r| r["tenant"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(plan("--tenant plain"), "plain");
    assert_eq!(plan("--tenant plain,gold-one"), "gold-one plain");
    assert_eq!(plan("--all"), "gold-one gold-two plain");
    assert_eq!(plan("--all --exclude plain,gold-two"), "gold-one");
    assert_eq!(plan("--label tier=gold"), "gold-one gold-two");
    assert_eq!(plan("--label tier=gold --label region=south"), "gold-one");
    assert_eq!(plan("--label tier=silver"), "");
    assert_eq!(plan("--status active --exclude gold-one"), "gold-two plain");
    assert_eq!(plan("--status locked"), "");
    fs::write(product.operator.home().join("list"), "# two of them\n\nplain\n  gold-two  \n")
        .unwrap();
    assert_eq!(plan("--from-file list"), "gold-two plain");
    assert_eq!(plan("--from-file list --exclude plain"), "gold-two");
    let line = "migrate apply --from-file - --dry-run -o json";
    let ran = product.operator.run_reading("gold-one\nplain\n", line).success();
    assert_eq!(verdicts(&ran.json()), "gold-one:unchanged plain:unchanged");
}

#[test]
fn a_selector_that_cannot_be_meant_is_refused_before_anything_is_touched() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log";
    let before = product.operator.plane().ask(rows);

    let missing = product.run("migrate apply --tenant acme,nobody,ghost -o json").fails_with(4);
    let error = missing.error();
    assert_eq!(error["kind"], "not_found");
    assert_eq!(error["message"], "failed to find nobody, ghost: no such tenant");
    assert_eq!(missing.stdout(), "");
    let _ran = product.run("migrate apply -o json").fails_with(2);
    let _ran = product.operator.run_reading("", "migrate apply --from-file -").fails_with(2);
    let _ran = product
        .operator
        .run_reading("acme\nNo Slug\n", "migrate apply --from-file -")
        .fails_with(2);
    let _ran = product.run("migrate apply --from-file nowhere").fails_with(2);
    let _ran = product.run("migrate apply --tenant acme --target 9").fails_with(2);
    let _ran = product.run("migrate apply --tenant acme --seed=prod").fails_with(4);

    assert_eq!(product.operator.plane().ask(rows), before, "nothing was begun");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
}

#[test]
fn an_empty_fleet_is_done_at_once() {
    let operator = Operator::new();
    let ran = operator.run("migrate apply --all -o json").success();
    assert_eq!(ran.json()["summary"]["tenants"], 0);
    let ran = operator.run("migrate apply --all").success();
    assert_eq!(ran.stdout(), "No tenants selected.\n");
    let _ran = operator.run("migrate status").success();
}

#[test]
fn an_up_to_date_fleet_opens_no_database() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    // Whoever tried to enter would fail.
    for slug in ["acme", "globex"] {
        let name = product.operator.tenant(slug).database;
        server()
            .operator("postgres")
            .run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    }
    let ran = product.run("migrate apply --all -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged globex:unchanged");
    let ran = product.run("migrate status -o json").success();
    assert_eq!(ran.json()["verified"], false);
    // And it would have been noticed: what has to look inside does fail.
    let ran = product.run("migrate status --verify -o json").fails_with(10);
    assert_eq!(ran.json()["tenants"][0]["standing"], "unknown");
    product.add("V8__notes.sql", NOTES);
    let ran = product.run("migrate apply --all -o json").fails_with(9);
    assert_eq!(verdicts(&ran.json()), "acme:failed globex:failed");
}

#[test]
fn one_broken_tenant_stays_whole_and_stops_no_other() {
    let product = Product::new();
    product.create(&["acme", "broken", "globex", "worse"]);
    let poison = "INSERT INTO vendors (code, name) VALUES ('POISON', 'x')";
    product.operator.inside("broken").run(&format!("SET search_path = public; {poison}"));
    product.operator.inside("worse").run(&format!("SET search_path = public; {poison}"));
    product.add("V8__notes.sql", NOTES);

    let ran = product.run("migrate apply --all --jobs 4 -o json").fails_with(9);
    let report = ran.json();
    assert_eq!(verdicts(&report), "acme:done broken:failed globex:done worse:failed");
    assert_eq!(report["summary"]["failed"], 2);
    assert_eq!(result(&report, "acme")["applied"], serde_json::json!(["V8__notes"]));
    assert_eq!(result(&report, "acme")["schema_version"], 8);
    let failed = result(&report, "broken");
    assert_eq!(failed["schema_version"], 7);
    assert_eq!(failed["error"]["message"], "failed to apply V8__notes");
    let cause = failed["error"]["causes"][0].as_str().unwrap();
    assert!(cause.contains("no_poison") && cause.contains("23514"), "{cause}");
    let failures = report["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "two failures of one cause are one line: {failures:?}");
    assert_eq!(failures[0]["tenants"], 2);
    for (slug, versions) in [
        ("acme", "1,2,3,4,5,6,7,8"),
        ("broken", "1,2,3,4,5,6,7"),
        ("globex", "1,2,3,4,5,6,7,8"),
        ("worse", "1,2,3,4,5,6,7"),
    ] {
        assert_eq!(product.history(slug), versions, "{slug}");
        assert_eq!(product.recorded(slug), versions.rsplit(',').next().unwrap(), "{slug}");
        let is_there = product.database(slug).ask("SELECT to_regclass('public.notes') IS NOT NULL");
        assert_eq!(is_there, if versions.ends_with('8') { "t" } else { "f" }, "{slug} is whole");
    }
    // People read the same, grouped.
    let ran = product.run("migrate apply --all").fails_with(9);
    assert!(ran.stdout().contains("Failures by cause:\n  2 × apply V8__notes"), "{ran}");
    let standing = product.run("migrate status -o json").fails_with(10).json();
    let words: Vec<_> =
        standing["tenants"].as_array().unwrap().iter().map(|t| &t["standing"]).collect();
    assert_eq!(words, ["current", "behind", "current", "behind"]);

    // Repaired, the same command does what is left and nothing else.
    for slug in ["broken", "worse"] {
        product.operator.inside(slug).run("DELETE FROM public.vendors WHERE code = 'POISON'");
    }
    let ran = product.run("migrate apply --all -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged broken:done globex:unchanged worse:done");
    assert_eq!(product.history("broken"), "1,2,3,4,5,6,7,8");
    let _ran = product.run("migrate status --verify").success();
    product.operator.assert_sound();
}

#[test]
fn one_tenant_alone_ends_with_its_own_kind_and_says_where_it_failed() {
    let product = Product::new();
    product.create(&["acme"]);
    product
        .add("V8__typo.sql", "CREATE TABLE public.a (id int);\nCREATE TABEL public.b (id int);\n");
    let ran = product.run("migrate apply --tenant acme -o json").fails_with(8);
    let report = ran.json();
    let error = &result(&report, "acme")["error"];
    assert_eq!(error["message"], "failed to apply V8__typo at line 2, column 8");
    assert_eq!(error["retryable"], true);
    assert_eq!(product.database("acme").ask("SELECT to_regclass('public.a') IS NULL"), "t");
}

#[test]
fn a_history_that_contradicts_the_files_is_refused_with_both_checksums() {
    let product = Product::new();
    product.create(&["changed", "missing", "late", "garbled"]);
    let mut changed = product.database("changed");
    let ours = changed.ask(
        "SELECT lpad(to_hex(checksum::numeric::bigint), 16, '0') FROM tenantctl.schema_history \
         WHERE version = 3 AND checksum::numeric <= 9223372036854775807 \
         UNION ALL SELECT lpad(to_hex((checksum::numeric - 18446744073709551616)::bigint), 16, '0') \
         FROM tenantctl.schema_history WHERE version = 3 \
         AND checksum::numeric > 9223372036854775807",
    );
    changed.run("UPDATE tenantctl.schema_history SET checksum = '255' WHERE version = 3");
    product.database("missing").run(
        "INSERT INTO tenantctl.schema_history (version, name, applied_on, checksum) \
         VALUES (99, 'from_elsewhere', '2026-01-01T00:00:00Z', '4096')",
    );
    product
        .database("garbled")
        .run("UPDATE tenantctl.schema_history SET checksum = 'garbage' WHERE version = 2");
    product.add("V8__notes.sql", NOTES);
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    fs::rename(product.folder.join("V8__notes.sql"), product.folder.join("later")).unwrap();
    let _ran = product.run("migrate apply --tenant late").success();
    fs::rename(product.folder.join("later"), product.folder.join("V8__notes.sql")).unwrap();

    for (slug, words) in [
        ("changed", vec!["V3__products", ours.as_str(), "00000000000000ff"]),
        ("missing", vec!["V99__from_elsewhere", "0000000000001000", "checksum none"]),
        ("late", vec!["V8__notes", "V9__more", "arrived late"]),
        ("garbled", vec!["version 2", "unreadable checksum"]),
    ] {
        let before = product.history(slug);
        let ran = product.run(&format!("migrate apply --tenant {slug} -o json")).fails_with(5);
        let report = ran.json();
        let error = &result(&report, slug)["error"];
        assert_eq!(error["kind"], "conflict", "{ran}");
        assert_eq!(error["retryable"], false, "{ran}");
        for word in words {
            assert!(error.to_string().contains(word), "{word} in {ran}");
        }
        assert_eq!(product.history(slug), before, "{slug} was touched");
        let ran = product.run(&format!("migrate status --tenant {slug} --verify -o json"));
        let ran = ran.fails_with(10);
        let standing = ran.json()["tenants"][0]["standing"].take();
        let expected = if slug == "garbled" { "unknown" } else { "diverged" };
        assert_eq!(standing, expected, "{slug}");
    }
    let all = product.run("migrate apply --all -o json").fails_with(9);
    assert_eq!(all.json()["summary"]["failed"], 4);
}

#[test]
fn a_file_that_must_not_run_is_refused_and_nothing_is_contacted() {
    let product = Product::new();
    let nowhere = "postgresql://operator@/nowhere?host=/nowhere";
    let product = Product {
        operator: product.operator.with("TENANTCTL_CONTROL_PLANE_URL", nowhere),
        ..product
    };
    for (text, word) in [
        ("CREATE TABLE a (id int);\nCOMMIT;\n", "COMMIT"),
        ("BEGIN;\nCREATE TABLE a (id int);\n", "BEGIN"),
        ("CREATE TABLE a (id int);\r\n", "CRLF"),
        ("CREATE INDEX CONCURRENTLY i ON public.vendors (name);\n", "CONCURRENTLY"),
        ("SET ROLE postgres;\n", "SET ROLE"),
        ("SET search_path = '';\n", "SET SEARCH_PATH"),
        ("-- tenantctl: no-transaction\nSELECT 1;\nSELECT 2;\n", "2 statements"),
    ] {
        product.add("V8__unfit.sql", text);
        for line in ["migrate apply --all", "migrate status", "tenant create acme --name Acme"] {
            let ran = product.run(&format!("{line} -o json")).fails_with(2);
            let message = ran.error()["message"].to_string();
            assert!(message.contains("V8__unfit") && message.contains(word), "{ran}");
        }
    }
    fs::remove_file(product.folder.join("V8__unfit.sql")).unwrap();
    for (name, word) in [
        ("8__nameless.sql", "is not named like"),
        ("V7__twice.sql", "have the same version"),
        ("V8_one_dash.sql", "is not named like"),
    ] {
        product.add(name, "SELECT 1;\n");
        let ran = product.run("migrate apply --all -o json").fails_with(2);
        assert!(ran.error()["message"].to_string().contains(word), "{ran}");
        fs::remove_file(product.folder.join(name)).unwrap();
    }
    let ran = product.run("migrate apply --all").fails_with(7);
    assert!(ran.stderr().contains("/nowhere"), "now it is contacted: {ran}");
}

#[test]
fn an_index_is_built_concurrently_outside_a_transaction() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add(
        "V8__index.sql",
        "-- tenantctl: no-transaction\nCREATE INDEX CONCURRENTLY vendors_by_phone \
         ON public.vendors (tenant_id, phone);\n",
    );
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    let ran = product.run("migrate apply --tenant acme -o json").success();
    let applied = result(&ran.json(), "acme")["applied"].clone();
    assert_eq!(applied, serde_json::json!(["V8__index", "V9__more"]));
    let valid =
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.vendors_by_phone'::regclass";
    assert_eq!(product.database("acme").ask(valid), "t");
    let _ran = product.run("migrate status --tenant acme --verify").success();
}

#[test]
fn a_held_table_makes_the_migration_give_up_soon_and_readers_go_on() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    // A long transaction that only reads: enough to hold an ALTER TABLE up.
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let started = Instant::now();
    let running = product.operator.start("migrate apply --tenant acme -o json", &[]);
    let mut watcher = product.database("acme");
    wait_for_the_table(&mut watcher);
    let ran = running.wait().fails_with(7);
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    let report = ran.json();
    let error = &result(&report, "acme")["error"];
    assert_eq!((&error["kind"], &error["retryable"]), (&"unavailable".into(), &true.into()));
    assert!(error.to_string().contains("55P03"), "{error}");
    // The holder still holds, and a reader gets through at once.
    watcher.run("SET lock_timeout = '1s'");
    assert_eq!(watcher.says("SELECT count(*) FROM public.vendors"), "0");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
    holder.run("ROLLBACK");
    let _ran = product.run("migrate apply --tenant acme").success();
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7,8");
}

#[test]
fn two_at_once_apply_nothing_twice() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    // Slow enough for the two to meet.
    product.add("V9__slow.sql", "SELECT pg_sleep(0.3);\nCREATE TABLE public.more (id int);\n");
    let line = "migrate apply --all -o json";
    let (one, other) = (product.operator.start(line, &[]), product.operator.start(line, &[]));
    let reports = [one.wait().success().json(), other.wait().success().json()];
    for slug in ["acme", "globex"] {
        assert_eq!(product.history(slug), "1,2,3,4,5,6,7,8,9");
        let applied = reports.iter().filter(|r| result(r, slug)["verdict"] == "done").count();
        assert_eq!(applied, 1, "{slug}: {reports:?}");
    }
    product.operator.assert_sound();
}

#[test]
fn a_busy_lock_is_waited_for_until_the_timeout_and_its_holder_is_named() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let key = {
        use tenantctl::adapters::postgres::LockKey;
        let id = product.operator.tenant("acme").id.parse().unwrap();
        let text = format!("{:?}", LockKey::of("migrate", id));
        text.trim_start_matches("LockKey(").trim_end_matches(')').to_owned()
    };
    let mut holder = product.database("acme");
    holder.run(&format!(
        "SET application_name = 'tenantctl/migrate elsewhere:17'; SELECT pg_advisory_lock({key})"
    ));
    let ran = product.run("migrate apply --tenant acme --timeout 300ms -o json").fails_with(5);
    let report = ran.json();
    let error = &result(&report, "acme")["error"];
    assert!(error.to_string().contains("tenantctl/migrate elsewhere:17"), "{error}");
    assert!(error["hint"].to_string().contains("--timeout"), "{error}");
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7");
    // Given up in time, it is taken.
    let running = product.operator.start("migrate apply --tenant acme --timeout 60s", &[]);
    let database = product.operator.tenant("acme").database;
    let mut watcher = server().superuser("postgres");
    until("the second to be there", PATIENCE, || {
        let sessions = watcher.ask(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' \
             AND application_name LIKE 'tenantctl/migrate%'"
        ));
        if sessions == "2" { Ok(()) } else { Err(format!("{sessions} sessions")) }
    });
    drop(holder);
    let _ran = running.wait().success();
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7,8");
}

#[test]
fn one_interrupt_finishes_the_tenant_in_hand_and_starts_no_other() {
    use rustix::process::Signal;
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 -o json", &[]);
    wait_for_the_table(&mut product.database("acme"));
    running.signal(Signal::INT);
    wait_until_noticed(running.pid());
    holder.run("ROLLBACK");
    let ran = running.wait().fails_with(130);
    let report = ran.json();
    assert_eq!(report["interrupted"], true);
    assert_eq!(verdicts(&report), "acme:done");
    assert_eq!(product.history("globex"), "1,2,3,4,5,6,7");
    // Twice stops at once, with the statement still waiting; nothing is half done.
    let mut holder = product.database("globex");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 -o json", &[]);
    wait_for_the_table(&mut product.database("globex"));
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ran = running.wait().fails_with(130);
    assert_eq!(ran.error()["kind"], "interrupted", "{ran}");
    // The server notices by itself that nobody waits for the answer any more.
    let mut watcher = product.database("globex");
    until("the abandoned statement to end", PATIENCE, || {
        let waiting = watcher.ask(
            "SELECT count(*) FROM pg_locks WHERE NOT granted \
             AND relation = 'public.vendors'::regclass",
        );
        if waiting == "0" { Ok(()) } else { Err(format!("{waiting} locks are waited for")) }
    });
    holder.run("ROLLBACK");
    assert_eq!(product.history("globex"), "1,2,3,4,5,6,7");
    let ran = product.run("migrate apply --all -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged globex:done");
    product.operator.assert_sound();
}

#[test]
fn a_target_is_where_it_stops_and_a_dry_run_changes_nothing() {
    let product = Product::new();
    let _ran = product.run("tenant create acme --name Acme --no-migrate").success();
    assert_eq!(product.recorded("acme"), "");
    let ran = product.run("migrate apply --tenant acme --dry-run -o json").success();
    let report = ran.json();
    assert_eq!(verdicts(&report), "acme:planned");
    assert_eq!(result(&report, "acme")["pending"].as_array().unwrap().len(), 7);
    assert_eq!(product.database("acme").ask("SELECT to_regclass('public.vendors') IS NULL"), "t");
    assert_eq!(product.recorded("acme"), "");
    let ran = product.run("migrate apply --tenant acme --target 3 -o json").success();
    let report = ran.json();
    assert_eq!(result(&report, "acme")["schema_version"], 3);
    assert_eq!((product.history("acme"), product.recorded("acme")), ("1,2,3".into(), "3".into()));
    let ran = product.run("migrate status --tenant acme -o json").fails_with(10);
    let standing = &ran.json()["tenants"][0];
    assert_eq!(
        (&standing["standing"], &standing["detail"]),
        (&"behind".into(), &"4 pending".into())
    );
    let ran = product.run("migrate apply --tenant acme --target 3 -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged");
    let ran = product.run("migrate apply --tenant acme --seed -o json").success();
    let report = ran.json();
    let applied = result(&report, "acme")["applied"].as_array().unwrap().clone();
    assert_eq!(applied.first().unwrap(), "V4__purchase_orders");
    assert_eq!(applied.last().unwrap(), "seed demo");
    assert_ne!(product.database("acme").ask("SELECT count(*) FROM public.vendors"), "0");
}

#[test]
fn status_shows_the_history_with_its_checksums() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    let ran = product.run("migrate status --verify -o json").success();
    let status = ran.json();
    assert_eq!(status["schema_version"], 1);
    assert_eq!(status["head"]["schema_version"], 7);
    for tenant in status["tenants"].as_array().unwrap() {
        assert_eq!(tenant["standing"], "current");
        assert_eq!(tenant["schema_fingerprint"], status["head"]["schema_fingerprint"]);
        let history = tenant["history"].as_array().unwrap();
        assert_eq!(history.len(), 7);
        for (index, line) in history.iter().enumerate() {
            assert_eq!(line["version"], index + 1);
            let checksum = line["checksum"].as_str().unwrap();
            assert!(checksum.len() == 16 && u64::from_str_radix(checksum, 16).is_ok(), "{line}");
            assert!(line["applied_at"].as_str().unwrap().ends_with('Z'), "{line}");
        }
    }
    let ran = product.run("migrate status --tenant acme --verify").success();
    assert!(ran.stdout().contains("CHECKSUM"), "{ran}");
    // The record may be wrong; only a look inside tells.
    product.operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET schema_fingerprint = 'feedfacefeedface' \
         WHERE slug = 'acme'",
    );
    for line in ["migrate status -o json", "migrate status --verify -o json"] {
        let status = product.run(line).fails_with(10).json();
        assert_eq!(status["tenants"][0]["standing"], "diverged", "{line}");
        assert_eq!(status["tenants"][1]["standing"], "current", "{line}");
    }
    // Applying sets the record right, without touching the database.
    let ran = product.run("migrate apply --tenant acme -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged");
    let _ran = product.run("migrate status --verify").success();
}

#[test]
fn tenants_that_are_locked_deleted_or_quarantined_are_left_alone_with_a_reason() {
    let product = Product::new();
    product.create(&["acme", "deleted", "locked", "odd"]);
    let _ran = product.run("tenant delete deleted --confirm deleted").success();
    product.operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET status = 'locked', locked_at = now() \
         WHERE slug = 'locked'; \
         UPDATE control_plane.tenant_metadata SET quarantined_at = now(), \
         quarantine_reason = 'two databases' WHERE slug = 'odd'",
    );
    product.add("V8__notes.sql", NOTES);
    let ran = product.run("migrate apply --all -o json").success();
    let report = ran.json();
    // What is deleted is no part of the fleet unless somebody says so.
    assert_eq!(verdicts(&report), "acme:done locked:skipped odd:skipped");
    assert_eq!(result(&report, "locked")["reason"], "locked");
    assert_eq!(result(&report, "odd")["reason"], "quarantined: two databases");
    assert_eq!(product.history("locked"), "1,2,3,4,5,6,7");
    assert_eq!(product.history("odd"), "1,2,3,4,5,6,7");
    // Named, a skipped tenant is not what was asked for.
    let ran = product.run("migrate apply --tenant locked -o json").fails_with(5);
    assert_eq!(verdicts(&ran.json()), "locked:skipped");
    let _ran = product.run("migrate apply --tenant acme,locked").fails_with(9);
    let ran = product.run("migrate apply --tenant deleted -o json").fails_with(5);
    assert_eq!(result(&ran.json(), "deleted")["reason"], "deleted");
    let ran = product.run("migrate apply --status deleted -o json").success();
    assert_eq!(verdicts(&ran.json()), "deleted:skipped");
}

#[test]
fn a_database_that_is_not_the_tenants_is_not_migrated() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    product.add("V8__notes.sql", NOTES);
    // Somebody edited the records: each tenant's row points at the other's database.
    let (acme, globex) = (product.operator.tenant("acme"), product.operator.tenant("globex"));
    let mut plane = product.operator.plane();
    let point = |slug: &str, database: &str| {
        format!(
            "UPDATE control_plane.tenant_metadata SET database_name = '{database}' \
             WHERE slug = '{slug}'"
        )
    };
    plane.run(&point("acme", "tenant_parked"));
    plane.run(&point("globex", &acme.database));
    plane.run(&point("acme", &globex.database));
    let ran = product.run("migrate apply --all -o json").fails_with(9);
    let report = ran.json();
    assert_eq!(verdicts(&report), "acme:failed globex:failed");
    let error = result(&report, "acme")["error"].to_string();
    assert!(error.contains(&format!("names tenant {}", globex.id)), "{error}");
    for database in [&acme.database, &globex.database] {
        let is_there = "SELECT to_regclass('public.notes') IS NOT NULL";
        assert_eq!(server().operator(database).ask(is_there), "f", "{database} was migrated");
    }
}

#[test]
fn a_run_has_one_intent_and_one_outcome_in_the_trail() {
    let product = Product::new();
    product.create(&["acme", "broken"]);
    let poison = "INSERT INTO public.vendors (code, name) VALUES ('POISON', 'x')";
    product.operator.inside("broken").run(poison);
    product.add("V8__notes.sql", NOTES);
    let _ran = product.run("migrate apply --all --actor release-7").fails_with(9);
    let rows = product.operator.plane().ask(
        "SELECT actor, outcome, detail - 'login' FROM control_plane.policy_sync_log \
         WHERE action = 'migrate.apply' ORDER BY id",
    );
    assert_eq!(
        rows,
        "release-7|intent|{\"first\": [\"acme\", \"broken\"], \"tenants\": 2}\n\
         release-7|failed|{\"done\": 1, \"failed\": 1, \"interrupted\": false, \
         \"first_failed\": [\"broken\"]}"
    );
    let again = product.run("migrate apply --tenant acme").success();
    assert!(again.stdout().contains("up to date"), "{again}");
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log WHERE action = 'migrate.apply'";
    assert_eq!(product.operator.plane().ask(rows), "2", "what does nothing leaves nothing");
}

//! `migrate apply`: what happens to each tenant.

use std::fs;

use crate::support::product::{NOTES, Product, result, verdicts};
use crate::support::server;

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
    assert_eq!(ran.json()["results"][0]["outcome"], "unknown");
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
    assert!(ran.stdout().contains("Failed alike:\n  2 × failed to apply V8__notes"), "{ran}");
    let standing = product.run("migrate status -o json").fails_with(10).json();
    let words: Vec<_> =
        standing["results"].as_array().unwrap().iter().map(|t| &t["outcome"]).collect();
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
        let standing = ran.json()["results"][0]["outcome"].take();
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
        ("CREATE TABLE a (id int);\r\nSELECT 1;\n", "CRLF"),
        ("CREATE INDEX CONCURRENTLY i ON public.vendors (name);\n", "CONCURRENTLY"),
        ("DISCARD ALL;\n", "DISCARD ALL"),
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
        ("8-nameless.sql", "is not named like"),
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
    let standing = &ran.json()["results"][0];
    assert_eq!(
        (&standing["outcome"], &standing["detail"]),
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
        "release-7|intent|{\"run\": 1, \"first\": [\"acme\", \"broken\"], \"tenants\": 2}\n\
         release-7|failed|{\"run\": 1, \"done\": 1, \"state\": \"completed_with_failures\", \
         \"failed\": 1, \"skipped\": 0, \"not_begun\": 0, \"unchanged\": 0, \
         \"first_failed\": [\"broken\"]}"
    );
    let again = product.run("migrate apply --tenant acme").success();
    assert!(again.stdout().contains("unchanged"), "{again}");
    let rows = "SELECT count(*) FROM control_plane.policy_sync_log WHERE action = 'migrate.apply'";
    assert_eq!(product.operator.plane().ask(rows), "2", "what does nothing leaves nothing");
}

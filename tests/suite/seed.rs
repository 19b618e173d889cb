//! `seed apply` and `seed list`: sample data that says what it holds, adds up, and can be applied
//! again.

use std::fs;

use serde_json::Value;

use crate::support::{Operator, Session, server};

/// Everything in the tenant's tables but the times of its rows, as one hash.
const CONTENT: &str = "SELECT md5(string_agg(x, '' ORDER BY x)) FROM ( \
    SELECT (to_jsonb(t) - 'created_at')::text FROM public.vendors t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.products t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.purchase_orders t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.purchase_order_items t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.sales_orders t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.sales_order_items t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.inventory t \
    UNION ALL SELECT (to_jsonb(t) - 'created_at')::text FROM public.employees t) all_rows(x)";

fn with_tenants(slugs: &[&str]) -> Operator {
    let operator = Operator::new();
    for slug in slugs {
        let _ran = operator.run(&format!("tenant create {slug} --name {slug}")).success();
    }
    operator
}

fn database(operator: &Operator, slug: &str) -> Session {
    server().operator(&operator.tenant(slug).database)
}

fn verdict(report: &Value, index: usize) -> &str {
    report["results"][index]["outcome"].as_str().unwrap()
}

#[test]
fn a_set_brings_what_the_list_says() {
    let operator = with_tenants(&["acme"]);
    let list = operator.run("seed list -o json").success().json();
    assert_eq!(list["format_version"], 1);
    let sets = list["seed_sets"].as_array().unwrap();
    let demo = sets.iter().find(|set| set["name"] == "demo").unwrap();
    assert!(demo["files"].as_array().unwrap().len() >= 6, "{demo}");
    let holds = demo["holds"].as_array().unwrap();
    assert!(holds.len() >= 8, "every table has its share: {demo}");

    let ran = operator.run("seed apply --tenant acme -o json").success();
    assert_eq!(verdict(&ran.json(), 0), "done");
    let mut inside = database(&operator, "acme");
    for held in holds {
        let table = held["table"].as_str().unwrap();
        let rows = inside.ask(&format!("SELECT count(*) FROM public.{table}"));
        assert_eq!(rows, held["rows"].to_string(), "{table}");
    }
    let foreign = inside.ask(&format!(
        "SELECT count(*) FROM public.vendors WHERE tenant_id <> '{}'",
        operator.tenant("acme").id
    ));
    assert_eq!(foreign, "0");
    let table = operator.run("seed list").success();
    assert!(table.stdout().contains("demo"), "{table}");
}

#[test]
fn the_sample_data_adds_up() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let mut inside = database(&operator, "acme");
    for kind in ["purchase", "sales"] {
        let wrong = inside.ask(&format!(
            "SELECT count(*) FROM public.{kind}_orders o LEFT JOIN LATERAL ( \
               SELECT sum(line_total) AS net, sum(round(line_total * tax_rate / 100, 2)) AS tax, \
               count(*) AS lines FROM public.{kind}_order_items i WHERE i.{kind}_order_id = o.id \
             ) l ON true WHERE l.lines IS NULL OR lines < 2 OR l.net <> subtotal OR l.tax <> o.tax \
             OR total <> subtotal + o.tax + shipping - discount"
        ));
        assert_eq!(wrong, "0", "{kind} orders");
    }
    for (what, question, expected) in [
        (
            "vendors' totals",
            "SELECT count(*) FROM public.vendors v JOIN LATERAL ( \
               SELECT count(*) n, coalesce(sum(total), 0) s FROM public.purchase_orders o \
               WHERE o.vendor_id = v.id AND status IN ('confirmed', 'shipped', 'delivered')) l \
             ON true WHERE n <> total_orders OR s <> total_spent",
            "0",
        ),
        (
            "delivered orders have a date, others none",
            "SELECT count(*) FROM public.purchase_orders \
             WHERE (status = 'delivered') <> (delivered_date IS NOT NULL)",
            "0",
        ),
        (
            "what is reserved is what confirmed orders want",
            "SELECT (SELECT sum(quantity_reserved) FROM public.inventory) = ( \
               SELECT sum(quantity) FROM public.sales_order_items i \
               JOIN public.sales_orders o ON o.id = sales_order_id WHERE status = 'confirmed')",
            "t",
        ),
        (
            "what is in transit is what shipped orders still bring",
            "SELECT (SELECT sum(quantity_in_transit) FROM public.inventory) = ( \
               SELECT sum(quantity - received_quantity) FROM public.purchase_order_items i \
               JOIN public.purchase_orders o ON o.id = purchase_order_id WHERE status = 'shipped')",
            "t",
        ),
        (
            "barcodes carry their check digit",
            "SELECT count(*) FROM public.products WHERE length(barcode) <> 13 OR ( \
               SELECT sum(substr(barcode, i, 1)::int * CASE WHEN i % 2 = 0 THEN 3 ELSE 1 END) \
               FROM generate_series(1, 13) i) % 10 <> 0",
            "0",
        ),
        (
            "no order names a product twice",
            "SELECT count(*) FROM ( \
               SELECT FROM public.sales_order_items GROUP BY sales_order_id, product_id \
               HAVING count(*) > 1 UNION ALL \
               SELECT FROM public.purchase_order_items GROUP BY purchase_order_id, product_id \
               HAVING count(*) > 1) twice",
            "0",
        ),
    ] {
        assert_eq!(inside.ask(question), expected, "{what}");
    }
}

#[test]
fn applied_twice_it_changes_nothing() {
    let operator = with_tenants(&["acme", "globex"]);
    let _ran = operator.run("seed apply --all").success();
    let (mut acme, mut globex) = (database(&operator, "acme"), database(&operator, "globex"));
    let (before, other) = (acme.ask(CONTENT), globex.ask(CONTENT));
    assert_ne!(before, other, "ids are each tenant's own");
    let ran = operator.run("seed apply --all -o json").success();
    let report = ran.json();
    assert_eq!((verdict(&report, 0), verdict(&report, 1)), ("unchanged", "unchanged"));
    // Even where nobody remembers that they ran, the files are harmless.
    acme.run("SET ROLE tenantctl_owner; DELETE FROM tenantctl.seed_history; RESET ROLE");
    let ran = operator.run("seed apply --tenant acme -o json").success();
    assert_eq!(verdict(&ran.json(), 0), "done");
    assert_eq!(acme.ask(CONTENT), before);
}

#[test]
fn what_the_application_changed_since_stays_changed() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let mut login = operator.login("acme").unwrap();
    for statement in [
        "UPDATE vendors SET code = 'X-' || code, email = 'new.' || email WHERE code < 'V-005'",
        "UPDATE products SET name = 'renamed', sku = 'Z' || sku WHERE sku LIKE 'WFR%'",
        "UPDATE purchase_orders SET status = 'cancelled' WHERE status = 'draft'",
        "DELETE FROM sales_orders WHERE so_number = 'SO-2026-0003'",
        "INSERT INTO sales_orders (so_number, customer_name) VALUES ('SO-2026-0003', 'mine')",
        "UPDATE employees SET email = 'changed.' || email WHERE employee_code = 'E-001'",
        "DELETE FROM inventory WHERE warehouse_location = 'Chakan'",
    ] {
        login.run(statement);
    }
    let mut inside = database(&operator, "acme");
    inside.run("SET ROLE tenantctl_owner; DELETE FROM tenantctl.seed_history; RESET ROLE");
    let drafts = inside.ask("SELECT count(*) FROM public.purchase_orders WHERE status = 'draft'");
    assert_eq!(drafts, "0");
    let _ran = operator.run("seed apply --tenant acme").success();
    for (question, expected) in [
        ("SELECT count(*) > 0 FROM public.products WHERE name = 'renamed'", "t"),
        ("SELECT count(*) FROM public.purchase_orders WHERE status = 'draft'", "0"),
        ("SELECT count(*) FROM public.employees WHERE email LIKE 'changed.%'", "1"),
        (
            "SELECT count(*) FROM public.sales_order_items i JOIN public.sales_orders o \
             ON o.id = i.sales_order_id WHERE customer_name = 'mine'",
            "0",
        ),
    ] {
        assert_eq!(inside.ask(question), expected, "{question}");
    }
}

#[test]
fn a_poisoned_set_rolls_back_whole() {
    let operator = with_tenants(&["acme"]);
    let set = operator.home().join("seeds/poisoned");
    fs::create_dir_all(&set).unwrap();
    fs::write(
        set.join("010_good.sql"),
        "-- holds: vendors 1\nINSERT INTO vendors (code, name) VALUES ('GOOD', 'good');\n",
    )
    .unwrap();
    fs::write(
        set.join("020_bad.sql"),
        "INSERT INTO vendors (code, name) VALUES ('BAD', 'bad');\n\
         INSERT INTO vendors (code, name, rating) VALUES ('WORSE', 'worse', 9);\n",
    )
    .unwrap();
    let operator = operator.with("TENANTCTL_SEEDS_DIR", set.parent().unwrap());
    let list = operator.run("seed list -o json").success().json();
    assert_eq!(list["seed_sets"].as_array().unwrap().len(), 1, "the folder replaces: {list}");
    let ran = operator.run("seed apply --tenant acme --set poisoned -o json").fails_with(8);
    let report = ran.json();
    let error = &report["results"][0]["error"];
    assert_eq!(error["message"], "failed to apply the seed file poisoned/020_bad.sql");
    assert!(error["causes"].to_string().contains("23514"), "{error}");
    // In a pipe a failure is said once.
    let ran = operator.run("seed apply --tenant acme --set poisoned").fails_with(8);
    let both = format!("{}{}", ran.stdout(), ran.stderr());
    assert_eq!(both.matches("23514").count(), 1, "{ran}");
    assert!(ran.stderr().contains("✗ acme  failed"), "{ran}");
    let mut inside = database(&operator, "acme");
    assert_eq!(inside.ask("SELECT count(*) FROM public.vendors"), "0");
    assert_eq!(inside.ask("SELECT count(*) FROM tenantctl.seed_history"), "0");
    // Repaired, the whole set goes in.
    fs::write(set.join("020_bad.sql"), "SELECT 1;\n").unwrap();
    let _ran = operator.run("seed apply --tenant acme --set poisoned").success();
    assert_eq!(inside.ask("SELECT string_agg(code, ',') FROM public.vendors"), "GOOD");
    operator.assert_sound();
    // A database that somebody dropped is not there, as a tenant may not be.
    let gone = operator.tenant("acme").database;
    drop(inside);
    server().superuser("postgres").run(&format!("DROP DATABASE \"{gone}\" WITH (FORCE)"));
    let ran = operator.run("seed apply --tenant acme --set poisoned -o json").fails_with(4).json();
    assert_eq!(ran["failures"][0]["cause"], "find database `<database>` on the cluster");
    assert_eq!(ran["results"][0]["error"]["kind"], "not_found");
}

#[test]
fn a_set_that_is_not_there_is_not_found_and_a_dry_run_changes_nothing() {
    let operator = with_tenants(&["acme"]);
    let ran = operator.run("seed apply --tenant acme --set production -o json").fails_with(4);
    assert!(ran.error()["message"].to_string().contains("`demo`"), "{ran}");
    assert_eq!(ran.error()["hint"], "tenantctl seed list");
    let _ran = operator.run("seed apply --tenant nobody").fails_with(4);
    let _ran = operator.run("seed apply").fails_with(2);
    let ran = operator.run("seed apply --tenant acme --dry-run -o json").success();
    assert_eq!(verdict(&ran.json(), 0), "planned");
    assert_eq!(database(&operator, "acme").ask("SELECT count(*) FROM public.vendors"), "0");
}

#[test]
fn every_seeding_has_its_intent_and_outcome_in_the_trail() {
    let operator = with_tenants(&["acme"]);
    let _ran = operator.run("seed apply --tenant acme --actor importer").success();
    let rows = operator.plane().ask(
        "SELECT actor, outcome FROM control_plane.policy_sync_log WHERE action = 'seed.apply' \
         ORDER BY id",
    );
    assert_eq!(rows, "importer|intent\nimporter|done");
}

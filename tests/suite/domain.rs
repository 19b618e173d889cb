//! The product's tables, as an application meets them: states that go forward, sums that add up,
//! columns that keep themselves.

use crate::support::two::{session_as, two};

#[test]
fn an_order_only_moves_forward() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    let path = ["draft", "confirmed", "shipped", "delivered", "cancelled"];
    for (table, column, number) in [
        ("purchase_orders", "po_number, vendor_id", "'T', (SELECT id FROM vendors LIMIT 1)"),
        ("sales_orders", "so_number, customer_name", "'T', 'somebody'"),
    ] {
        for (stands, from) in path.iter().enumerate() {
            for (goes_to, to) in path.iter().chain([&"nonsense"]).enumerate() {
                let is_final = matches!(*from, "delivered" | "cancelled");
                let is_allowed = from == to || (!is_final && goes_to > stands && *to != "nonsense");
                let insert =
                    format!("INSERT INTO {table} ({column}, status) VALUES ({number}, '{from}')");
                let update = format!("UPDATE {table} SET status = '{to}' {} RETURNING status", {
                    let key = column.split(',').next().unwrap();
                    format!("WHERE {key} = 'T'")
                });
                let said = login.says_and_undoes(&[&insert, &update]);
                let expected = if is_allowed { *to } else { "ERROR 23514" };
                assert_eq!(said, expected, "{table}: {from} → {to}");
            }
        }
        // An upsert is an update like any other.
        let backwards = format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(o) || \
             '{{\"status\": \"draft\"}}')).* FROM {table} o WHERE status = 'delivered' LIMIT 1 \
             ON CONFLICT (tenant_id, id) DO UPDATE SET status = excluded.status"
        );
        assert_eq!(login.says_and_undoes(&[&backwards]), "ERROR 23514", "{table}");
    }
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    for (statement, expected) in [
        ("UPDATE sales_orders SET total = total + 1", "ERROR 23514"),
        ("UPDATE purchase_orders SET total = total + 1", "ERROR 23514"),
        ("UPDATE purchase_orders SET expected_date = order_date - 1", "ERROR 23514"),
        ("UPDATE sales_order_items SET line_total = 1", "ERROR 428C9"),
        ("UPDATE inventory SET quantity_reserved = quantity_on_hand + 1", "ERROR 23514"),
        ("UPDATE inventory SET quantity_in_transit = -1", "ERROR 23514"),
        ("UPDATE inventory SET valuation = 1", "ERROR 428C9"),
        ("UPDATE vendors SET rating = 5.1", "ERROR 23514"),
        ("UPDATE vendors SET status = 'x'", "ERROR 23514"),
        ("UPDATE vendors SET email = 'nonsense'", "ERROR 23514"),
        ("UPDATE vendors SET address = '[]'", "ERROR 23514"),
        ("UPDATE products SET hsn_code = '12345'", "ERROR 23514"),
        ("UPDATE products SET selling_price = -1", "ERROR 23514"),
        ("UPDATE employees SET status = 'x'", "ERROR 23514"),
        ("UPDATE purchase_order_items SET quantity = 0", "ERROR 23514"),
        ("INSERT INTO vendors (code, name) VALUES ('V-001', 'x')", "ERROR 23505"),
        ("DELETE FROM vendors WHERE code = 'V-001'", "ERROR 23503"),
        (
            "INSERT INTO employees (employee_code, full_name, email, auth_user_id) \
             SELECT 'Q', 'q', 'q@example.com', auth_user_id FROM employees \
             WHERE auth_user_id IS NOT NULL LIMIT 1",
            "ERROR 23505",
        ),
    ] {
        assert_eq!(login.says_and_undoes(&[statement]), expected, "{statement}");
    }
}

#[test]
fn columns_that_keep_themselves_do() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    let said = login.says_and_undoes(&[
        "UPDATE vendors SET updated_at = '2000-01-01' WHERE code = 'V-001'",
        "SELECT updated_at > now() FROM vendors WHERE code = 'V-001'",
    ]);
    assert_eq!(said, "t");
    let insert = "INSERT INTO vendors (code, name) VALUES ('D', 'd') RETURNING tenant_id";
    assert_eq!(login.says_and_undoes(&[insert]), two.acme.id);
    let said = login
        .says_and_undoes(&["UPDATE sales_order_items SET quantity = 3.335, unit_price = 10 \
         WHERE id = (SELECT id FROM sales_order_items LIMIT 1) RETURNING line_total"]);
    assert_eq!(said, "33.35");
    let said = login.says_and_undoes(&[
        "INSERT INTO sales_orders (so_number, customer_name) VALUES ('D', 'd') \
         RETURNING status, payment_status, total",
    ]);
    assert_eq!(said, "draft|unpaid|0.00");
    // Lines live and die with their order, within the tenant.
    let said = login.says_and_undoes(&[
        "DELETE FROM purchase_orders WHERE po_number = 'PO-2026-0001'",
        "SELECT count(*) FROM purchase_order_items i \
         WHERE NOT EXISTS (SELECT FROM purchase_orders o WHERE o.id = i.purchase_order_id)",
    ]);
    assert_eq!(said, "0");
}

#[test]
fn every_table_keeps_time_and_says_what_it_is_for() {
    let two = two();
    let mut operator = crate::support::server().operator(&two.acme.database);
    for table in &two.tables {
        let said = operator.ask(&format!(
            "SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attname IN \
               ('id', 'tenant_id', 'created_by', 'created_at', 'updated_at')), \
             (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid \
               AND tgfoid = 'public.touch_updated_at'::regproc AND tgenabled = 'O'), \
             obj_description(c.oid) IS NOT NULL \
             FROM pg_class c WHERE c.oid = 'public.{table}'::regclass"
        ));
        assert_eq!(said, "5|1|t", "{table}");
    }
    let uncommented = operator.ask(
        "SELECT relname FROM pg_class WHERE relnamespace = 'tenantctl'::regnamespace \
         AND relkind = 'r' AND relname NOT LIKE '%\\_history' AND obj_description(oid) IS NULL",
    );
    assert_eq!(uncommented, "");
    let floats = operator.ask(
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute a \
         JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace \
         AND attnum > 0 AND atttypid IN ('float4'::regtype, 'float8'::regtype, 'money'::regtype)",
    );
    assert_eq!(floats, "", "money and quantities are exact");
}

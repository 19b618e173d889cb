//! Whose rows a tenant's login reaches: its own, in its own database, and nothing else at all.
//!
//! Everything is tried with the login's real password on a database that also holds the other
//! tenant's rows, which no code of ours would ever put there: what keeps them apart here is the
//! schema alone.

use crate::support::two::{session_as, two};
use crate::support::{Session, server};

#[test]
fn every_table_gives_the_login_its_own_rows_and_no_others() {
    let two = two();
    let (a, b) = (&two.acme.id, &two.globex.id);
    let mut operator = server().operator(&two.acme.database);
    // Who the login works for comes from the setting, from a token's claims, or from both.
    let setting = format!("SET app.current_tenant_id = '{a}'");
    let claims = format!(
        r#"SET request.jwt.claims = '{{"iat": 1, "app_metadata": {{"tenant_id": "{a}"}}}}'"#
    );
    let identities = [setting.clone(), claims.clone(), format!("{setting}; {claims}")];
    for (identity, table) in
        identities.iter().flat_map(|identity| two.tables.iter().map(move |table| (identity, table)))
    {
        let mut login = two.acme.login();
        login.run(identity);
        let own =
            operator.ask(&format!("SELECT count(*) FROM public.{table} WHERE tenant_id = '{a}'"));
        assert_ne!(own, "0", "{table} holds nothing that could leak");
        let foreign =
            operator.ask(&format!("SELECT count(*) FROM public.{table} WHERE tenant_id = '{b}'"));
        assert_eq!(foreign, own, "{table} holds nothing of the other tenant");

        assert_eq!(login.says(&format!("SELECT count(*) FROM {table}")), own, "{table}");
        let mut refused = |what: &str, expected: &str| {
            assert_eq!(login.says_and_undoes(&[what]), expected, "{what}");
        };
        refused(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{b}'"), "0");
        refused(
            &format!(
                "WITH done AS (UPDATE {table} SET created_by = NULL WHERE tenant_id = '{b}' \
                 RETURNING id) SELECT count(*) FROM done"
            ),
            "0",
        );
        refused(
            &format!(
                "WITH done AS (DELETE FROM {table} WHERE tenant_id = '{b}' RETURNING id) \
                 SELECT count(*) FROM done"
            ),
            "0",
        );
        refused(&format!("INSERT INTO {table} (tenant_id) VALUES ('{b}')"), "ERROR 42501");
        refused(&format!("UPDATE {table} SET tenant_id = '{b}'"), "ERROR 42501");
        refused(
            &format!(
                "INSERT INTO {table} (tenant_id, id) SELECT '{b}', id FROM {table} LIMIT 1 \
                 ON CONFLICT (tenant_id, id) DO UPDATE SET created_by = NULL"
            ),
            "ERROR 42501",
        );
        // A condition that fails on a hidden row would tell that the row is there.
        refused(
            &format!(
                "SELECT count(*) FROM {table} WHERE tenant_id <> '{a}' \
                 AND 1 / (CASE WHEN tenant_id = '{b}' THEN 0 ELSE 1 END) = 1"
            ),
            "0",
        );
        let said = login.says_and_undoes(&[
            &format!("DECLARE hidden CURSOR FOR SELECT id FROM {table} WHERE tenant_id = '{b}'"),
            "FETCH ALL FROM hidden",
        ]);
        assert_eq!(said, "", "{table}");
        let said = login.says_and_undoes(&[
            &format!("PREPARE q_{table} AS SELECT count(*) FROM {table} WHERE tenant_id = $1"),
            &format!("EXECUTE q_{table}('{b}')"),
        ]);
        assert_eq!(said, "0", "{table}");
        let said = login.says_and_undoes(&[
            &format!(
                "MERGE INTO {table} t USING (VALUES ('{b}'::uuid)) s(id) ON t.tenant_id = s.id \
                 WHEN MATCHED THEN DELETE"
            ),
            &format!("SELECT count(*) FROM {table}"),
        ]);
        assert_eq!(said, own, "{table}");
    }
    // After all of that the other tenant's rows are what they were.
    for table in &two.tables {
        let count = format!("SELECT count(*) FROM public.{table} GROUP BY tenant_id");
        let counts = operator.ask(&count);
        let (one, other) = counts.split_once('\n').unwrap();
        assert_eq!(one, other, "{table}");
    }
}

#[test]
fn another_id_no_id_and_an_empty_one_reach_nothing_and_garbage_is_an_error() {
    let two = two();
    let b = &two.globex.id;
    let mut login = two.acme.login();
    for table in &two.tables {
        let count = format!("SELECT count(*) FROM {table}");
        let touch = format!(
            "WITH done AS (UPDATE {table} SET created_by = NULL RETURNING id) \
             SELECT count(*) FROM done"
        );
        let insert = format!("INSERT INTO {table} DEFAULT VALUES");
        for setting in [
            format!("SET app.current_tenant_id = '{b}'"),
            "RESET app.current_tenant_id".to_owned(),
            "SET app.current_tenant_id = ''".to_owned(),
        ] {
            let said = |login: &mut Session, statement: &str| {
                login.says_and_undoes(&[&setting, statement])
            };
            assert_eq!(said(&mut login, &count), "0", "{setting}: {table}");
            assert_eq!(said(&mut login, &touch), "0", "{setting}: {table}");
            assert_eq!(said(&mut login, &insert), "ERROR 42501", "{setting}: {table}");
        }
        let said = login.says_and_undoes(&["SET app.current_tenant_id = 'garbage'", &count]);
        assert_eq!(said, "ERROR 22P02", "{table}");
    }
}

#[test]
fn a_statement_prepared_for_one_tenant_does_not_serve_another() {
    let two = two();
    let mut login = session_as(&two.acme, &two.acme.id);
    login.ask("PREPARE all_vendors AS SELECT count(*) FROM vendors");
    // Five runs and the plan is cached.
    for _ in 0..6 {
        assert_ne!(login.ask("EXECUTE all_vendors"), "0");
    }
    login.ask(&format!("SET app.current_tenant_id = '{}'", two.globex.id));
    assert_eq!(login.ask("EXECUTE all_vendors"), "0");
}

#[test]
fn keys_of_another_tenant_can_neither_be_pointed_at_nor_probed() {
    let two = two();
    let (b, row) = (&two.globex.id, "88888888-8888-4888-8888-888888888888");
    let mut superuser = server().superuser(&two.acme.database);
    // Rows of the other tenant whose ids the first tenant does not have.
    superuser.ask(&format!(
        "BEGIN; \
         INSERT INTO public.vendors (id, tenant_id, code, name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x'); \
         INSERT INTO public.products (id, tenant_id, sku, name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x'); \
         INSERT INTO public.purchase_orders (id, tenant_id, po_number, vendor_id) \
           VALUES ('{row}', '{b}', 'ONLY-B', '{row}'); \
         INSERT INTO public.sales_orders (id, tenant_id, so_number, customer_name) \
           VALUES ('{row}', '{b}', 'ONLY-B', 'x')"
    ));
    superuser.ask(&format!(
        "SET LOCAL ROLE {}; SET LOCAL app.current_tenant_id = '{}'",
        two.acme.database, two.acme.id
    ));
    let columns = "product_id, line_no, quantity, unit_price";
    for statement in [
        format!("INSERT INTO purchase_orders (po_number, vendor_id) VALUES ('X', '{row}')"),
        format!("UPDATE purchase_orders SET vendor_id = '{row}' WHERE po_number = 'PO-2026-0001'"),
        format!(
            "INSERT INTO purchase_order_items (purchase_order_id, {columns}) \
             SELECT '{row}', id, 1, 1, 1 FROM products LIMIT 1"
        ),
        format!(
            "INSERT INTO purchase_order_items (purchase_order_id, {columns}) \
             SELECT id, '{row}', 99, 1, 1 FROM purchase_orders LIMIT 1"
        ),
        format!(
            "INSERT INTO sales_order_items (sales_order_id, {columns}) \
             SELECT '{row}', id, 1, 1, 1 FROM products LIMIT 1"
        ),
        format!(
            "INSERT INTO sales_order_items (sales_order_id, {columns}) \
             SELECT id, '{row}', 99, 1, 1 FROM sales_orders LIMIT 1"
        ),
        format!("INSERT INTO inventory (product_id, warehouse_location) VALUES ('{row}', 'Q')"),
        // A row that is nowhere gives the same answer as one that is somebody else's.
        "INSERT INTO inventory (product_id, warehouse_location) \
         VALUES ('77777777-7777-4777-8777-777777777777', 'Q')"
            .to_owned(),
    ] {
        superuser.ask("SAVEPOINT before");
        assert_eq!(superuser.says(&statement), "ERROR 23503", "{statement}");
        superuser.ask("ROLLBACK TO before");
    }
    // Unique keys begin with the tenant, so a taken code is no hint either.
    superuser.ask("INSERT INTO vendors (code, name) VALUES ('ONLY-B', 'mine as well')");
    superuser.ask("ROLLBACK");
}

#[test]
fn setting_and_claims_have_to_agree() {
    let two = two();
    let (a, b) = (two.acme.id.as_str(), two.globex.id.as_str());
    let mut login = two.acme.login();
    let claims = |id: &str| format!(r#"{{"iat": 1, "app_metadata": {{"tenant_id": "{id}"}}}}"#);
    let upper = a.to_uppercase();
    for (setting, token, sees) in [
        ("", claims(a), true),
        ("", claims(&upper), true),
        (a, claims(a), true),
        (a, r#"{"iat": 1}"#.to_owned(), true),
        ("", r#"{"iat": 1}"#.to_owned(), false),
        ("", claims(b), false),
        (a, claims(b), false),
        (b, claims(a), false),
        (b, claims(b), false),
        (a, "garbage".to_owned(), false),
        (a, "[]".to_owned(), false),
        (a, r#"{"app_metadata": {"tenant_id": 5}}"#.to_owned(), false),
    ] {
        for table in &two.tables {
            let said = login.says_and_undoes(&[
                &format!("SET app.current_tenant_id = '{setting}'"),
                &format!("SET request.jwt.claims = '{token}'"),
                &format!(
                    "WITH done AS (UPDATE {table} SET created_by = NULL RETURNING id) \
                     SELECT count(*) > 0, (SELECT count(*) > 0 FROM {table}) FROM done"
                ),
            ]);
            let expected = if sees { "t|t" } else { "f|f" };
            assert_eq!(said, expected, "setting {setting:?}, claims {token}: {table}");
        }
    }
}

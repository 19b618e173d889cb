//! What `tenant create` refuses to hand over: ways past row security, in any schema that a client can
//! reach.

use crate::support::product::Product;

const TABLE: &str = "CREATE SCHEMA more; GRANT USAGE ON SCHEMA more TO tenantctl_app;\n\
     CREATE TABLE more.events (tenant_id uuid NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);\n\
     CREATE TABLE more.events_2024 PARTITION OF more.events\n\
     FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');\n\
     SELECT tenantctl.protect('more.events');\n";

fn create(text: &str) -> Result<(), String> {
    let product = Product::new();
    product.add("V8__more.sql", &format!("{TABLE}{text}"));
    let ran = product.run("tenant create acme --name Acme");
    match ran.code() {
        0 => Ok(()),
        3 => Err(ran.stderr().to_owned()),
        code => panic!("{code}: {ran}"),
    }
}

#[test]
fn a_partition_that_only_its_table_leads_to_is_bound_by_it() {
    assert_eq!(create(""), Ok(()));
}

#[test]
fn what_lets_a_client_past_row_security_is_refused_by_name() {
    for (text, named) in [
        ("GRANT SELECT ON more.events_2024 TO tenantctl_app", "not forced on more.events_2024"),
        (
            "CREATE TABLE more.plain (tenant_id uuid); GRANT INSERT ON more.plain TO tenantctl_app",
            "not forced on more.plain",
        ),
        (
            "CREATE VIEW more.seen AS SELECT * FROM more.events; \
             GRANT SELECT ON more.seen TO tenantctl_app",
            "the view more.seen gives tenantctl_app",
        ),
        (
            "CREATE MATERIALIZED VIEW more.kept AS SELECT * FROM public.vendors; \
             GRANT SELECT ON more.kept TO tenantctl_app",
            "the materialized view more.kept gives tenantctl_app",
        ),
        (
            "CREATE FUNCTION more.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
             GRANT EXECUTE ON FUNCTION more.f() TO tenantctl_app",
            "more.f() runs with the rights of tenantctl_owner for tenantctl_app",
        ),
    ] {
        let refused = create(text).unwrap_err();
        assert!(refused.contains(named), "{text}: {refused}");
    }
}

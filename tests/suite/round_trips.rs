//! What a fleet costs: how often a tenant's server is asked and answers.

use crate::support::product::{NOTES, Product, result, verdicts};
use crate::support::server;
use crate::support::trips::Door;

#[test]
fn a_tenant_takes_three_round_trips_to_migrate_and_two_to_verify() {
    let mut product = Product::new();
    let slugs = ["acme", "globex", "initech"];
    product.create(&slugs);
    let databases = slugs.map(|slug| product.operator.tenant(slug).database);
    let door = Door::open();
    product.operator = product.operator.with("TENANTCTL_CLUSTER_URL", door.url("postgres"));
    product.add("V8__notes.sql", NOTES);

    // One is another tenant's by its identity: nothing is written to it, its lock's row neither.
    let mut foreign = server().superuser(&databases[2]);
    let locks = "SELECT string_agg(k::text, ' ') FROM tenantctl.locks k";
    // It is kept from changing by a trigger.
    foreign.run("SET session_replication_role = replica");
    let identify = "UPDATE tenantctl.identity SET tenant_id = ";
    foreign.run(&format!("{identify} gen_random_uuid()"));
    let before = foreign.ask(locks);
    let report = product.run("migrate apply --all -o json").fails_with(9).json();
    assert_eq!(verdicts(&report), "acme:done globex:done initech:failed");
    assert!(
        result(&report, "initech")["error"].to_string().contains("its stamp names"),
        "{report}"
    );
    assert_eq!(foreign.ask(locks), before);

    // The clean build came first, so it was known that the server itself answers: the start with all
    // settings; lock, identity and histories; the migration with its history row.
    let trips = door.trips(&databases);
    assert_eq!(trips[..2], [[3], [3]], "{trips:?}");
    assert_eq!(trips[2], [2], "{trips:?}");

    let id = product.operator.tenant("initech").id;
    foreign.run(&format!("{identify} '{id}'"));
    let _ran = product.run("migrate apply --all").success();
    let _before = door.trips(&databases);
    let _ran = product.run("migrate status --verify --jobs 1").success();
    let mut trips = door.trips(&databases).concat();
    trips.sort_unstable();
    // Whoever comes first sets the session up by a statement, and asks for the catalog in full.
    assert_eq!(trips, [2, 2, 3]);
}

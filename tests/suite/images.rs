//! Servers that others made from one image or one backup: they share a system identifier, and their
//! databases the oids. What tells them apart is the project's ref, the stamp, and the address.

use serde_json::{Value, json};

use super::project::{login, operator as operator_of_projects};
use crate::support::{Operator, Ran, Server};

const IDENTITY: &str = "SELECT (SELECT oid::bigint FROM pg_database \
     WHERE datname = current_database()) AS oid, \
     (SELECT system_identifier::text FROM pg_control_system()) AS system";
const PURGE: &str = "tenant purge acme --no-backup --confirm acme -o json";

/// Returns an operator whose control plane is on no cluster of these, and whose cluster is this.
fn operator_of(cluster: &Server) -> Operator {
    at(Operator::new(), cluster)
}

fn at(operator: Operator, cluster: &Server) -> Operator {
    operator.with("TENANTCTL_CLUSTER_URL", cluster.url("operator", "postgres"))
}

fn make(operator: &Operator, slug: &str) {
    let _ran = operator.run(&format!("tenant create {slug} --name X --no-migrate")).success();
}

fn has(cluster: &Server, database: &str) -> bool {
    cluster
        .superuser("postgres")
        .value(&format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{database}')"))
}

fn status(operator: &Operator, slug: &str) -> String {
    operator.tenants(slug).pop().unwrap().status
}

#[track_caller]
fn assert_elsewhere(ran: &Ran) {
    let error = ran.error();
    assert_eq!(error["kind"], "refused", "{ran}");
    assert!(error["causes"].to_string().contains("is recorded at"), "{ran}");
    assert!(error["hint"].to_string().contains("TENANTCTL_CLUSTER_URL"), "{ran}");
}

#[test]
fn two_projects_made_from_one_image_are_two_tenants() {
    let (fake, operator) = operator_of_projects();
    fake.set(&json!({ "shares_an_image": true }));
    make(&operator, "acme");
    make(&operator, "globex");
    let identities: Vec<Value> = fake
        .projects()
        .iter()
        .map(|(reference, _)| fake.inside(reference, IDENTITY)[0].clone())
        .collect();
    assert_eq!(identities[0], identities[1]);
    assert_eq!(identities[0]["oid"], 5);
    for slug in ["acme", "globex"] {
        let id = operator.tenant(slug).id;
        let mut application = login(&operator, slug).unwrap();
        let stamped = "SELECT tenantctl.access_allowed()";
        application.run(&format!("SET app.current_tenant_id = '{id}'"));
        assert!(application.value::<bool>(stamped), "{slug}");
    }
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert_eq!(fake.projects().len(), 1);
    assert!(login(&operator, "globex").is_ok());
    make(&operator, "acme");
    let _ran = operator.run("migrate apply --all").success();
    let _ran = operator.run("audit verify").success();
}

#[test]
fn two_clusters_restored_from_one_backup_hold_tenants_of_one_control_plane() {
    let [first, second] = Server::alone().restored();
    let operator = operator_of(&first);
    make(&operator, "acme");
    let operator = at(operator, &second);
    make(&operator, "globex");
    let same: i64 = operator.plane().value(
        "SELECT count(DISTINCT (system_identifier, database_oid)) FROM control_plane.tenant_metadata",
    );
    assert_eq!(same, 1, "both have the same");
    let _ran = operator.run("tenant delete globex --purge --no-backup --confirm globex").success();
    let operator = at(operator, &first);
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
}

#[test]
fn a_copy_of_the_cluster_is_not_taken_for_it_when_a_tenant_is_destroyed() {
    let original = Server::alone();
    let mut operator = operator_of(&original);
    // A copy from before the tenant was made, and one from afterwards.
    let [before] = original.restored();
    make(&operator, "acme");
    let [after] = original.restored();
    let database = operator.tenant("acme").database;
    // Closing the copy would leave the original open.
    operator = at(operator, &after);
    assert_elsewhere(&operator.run("tenant delete acme --confirm acme -o json"));
    let open = format!("SELECT datallowconn FROM pg_database WHERE datname = '{database}'");
    assert!(after.superuser("postgres").value::<bool>(&open));
    operator = at(operator, &original);
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    for copy in [&before, &after] {
        operator = at(operator, copy);
        assert_elsewhere(&operator.run(PURGE));
        assert_eq!(status(&operator, "acme"), "deleted");
        assert_eq!(operator.tenants_quarantined(), 0);
    }
    assert!(has(&original, &database) && has(&after, &database), "neither was touched");
    operator = at(operator, &original);
    let _ran = operator.run(PURGE).success();
    assert!(!has(&original, &database) && has(&after, &database));
}

/// What the address does not tell, the identifier may: another server answers under it.
#[test]
fn another_server_at_the_same_address_is_not_taken_for_the_recorded_one() {
    let cluster = Server::alone();
    let operator = operator_of(&cluster);
    make(&operator, "acme");
    let database = operator.tenant("acme").database;
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    operator.plane().run("UPDATE control_plane.tenant_metadata SET system_identifier = '42'");
    assert_elsewhere(&operator.run(PURGE));
    assert!(has(&cluster, &database));
    assert_eq!(status(&operator, "acme"), "deleted");
    // The server was upgraded, and somebody who knows says that it is this one.
    let restored = operator.run("tenant restore acme -o json").success();
    assert!(restored.stdout().contains("recorded anew"), "{restored}");
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert!(!has(&cluster, &database));
}

#[test]
fn a_server_that_moved_is_recorded_anew_by_a_restore() {
    let old = Server::alone();
    let operator = operator_of(&old);
    make(&operator, "acme");
    let database = operator.tenant("acme").database;
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let [new] = old.restored();
    drop(old);
    let operator = at(operator, &new);
    assert_elsewhere(&operator.run(PURGE));
    let _ran = operator.run("tenant restore acme").success();
    let url = operator.run("tenant url acme").success();
    let socket = new.socket().display().to_string();
    assert!(url.stdout().contains(socket.rsplit('/').nth(1).unwrap()), "{url}");
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert!(!has(&new, &database));
}

#[test]
fn an_active_tenant_whose_server_moved_is_recorded_anew_by_a_rotation() {
    let old = Server::alone();
    let operator = operator_of(&old);
    let _ran = operator.run("tenant create acme --name X").success();
    let [new] = old.restored();
    drop(old);
    let operator = at(operator, &new);
    let _ran = operator.run("tenant rotate acme").success();
    assert!(login(&operator, "acme").is_ok(), "at the address that is printed now");
    let _ran = operator.run("lockdown acme --reason r").success();
    let _ran = operator.run("tenant delete acme --confirm acme -o json").success();
}

/// Edited by hand: the keys say no, and where they cannot, the stamp does.
#[test]
fn no_two_tenants_have_one_project_or_one_database_in_the_records() {
    let (fake, operator) = operator_of_projects();
    make(&operator, "acme");
    make(&operator, "globex");
    let take = |column: &str, from: &str, to: &str| {
        operator.plane().attempt(&format!(
            "UPDATE control_plane.tenant_metadata SET {column} = (SELECT {column} \
             FROM control_plane.tenant_metadata WHERE slug = '{from}') WHERE slug = '{to}'"
        ))
    };
    let refused = take("project_ref", "globex", "acme").unwrap_err();
    assert!(refused.starts_with("23505"), "{refused}");
    for slug in ["initech", "hooli"] {
        let create = "--name X --no-migrate";
        let here = operator.start(
            &format!("tenant create {slug} {create}"),
            &[("TENANTCTL_PLACEMENT", "database")],
        );
        let _ran = here.wait().success();
    }
    let refused = take("database_name", "hooli", "initech").unwrap_err();
    assert!(refused.starts_with("23505"), "{refused}");
    // What the keys cannot see, the stamp does: the project of a tenant whose record names another.
    let projects = fake.projects();
    let globexs = projects.iter().find(|(_, name)| name.starts_with("globex-")).unwrap();
    operator.plane().run(&format!(
        "UPDATE control_plane.tenant_metadata SET project_ref = 'abcdefghijklmnopqrst' \
         WHERE slug = 'globex'; UPDATE control_plane.tenant_metadata \
         SET project_ref = '{}', status = 'deleted', deleted_at = now(), purge_after = now() \
         WHERE slug = 'acme'",
        globexs.0
    ));
    let ran = operator.run("tenant purge acme --no-backup --confirm acme -o json").fails_with(8);
    assert!(format!("{ran}").contains(&operator.tenant("globex").id), "{ran}");
    assert_eq!(fake.asked("DELETE /v1/projects/{ref}").len(), 0);
    assert_eq!(fake.projects(), projects);
}

#[test]
fn a_lockdown_of_a_copy_proves_nothing() {
    let original = Server::alone();
    let operator = operator_of(&original);
    let _ran = operator.run("tenant create acme --name X").success();
    let [copy] = original.restored();
    let operator = at(operator, &copy);
    let ran = operator.run("lockdown acme --reason leak -o json").fails_with(12);
    assert!(ran.stdout().contains("got_in") || ran.stdout().contains("got in"), "{ran}");
}

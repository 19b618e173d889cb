//! A tenant that is deleted, and a database that somebody else put in its place.

use super::{Operator, Session, TenantRow, server};

/// A user no real one is.
pub(crate) const USER: &str = "00000000-0000-4000-8000-000000000001";

pub(crate) fn with_tenant(slug: &str) -> Operator {
    let operator = Operator::new();
    let _ran = operator.run(&format!("tenant create {slug} --name 'Acme Ltd'")).success();
    operator
}

/// What a refused command must leave as it was.
pub(crate) fn standing(operator: &Operator) -> (Vec<TenantRow>, i64, i64) {
    let mut plane = operator.plane();
    let operations = plane.value("SELECT count(*) FROM control_plane.operations");
    let trail = plane.value("SELECT count(*) FROM control_plane.policy_sync_log");
    (operator.tenants("acme"), operations, trail)
}

pub(crate) fn exists(database: &str) -> bool {
    exists_on(&mut server().operator("postgres"), database)
}

pub(crate) fn exists_on(cluster: &mut Session, database: &str) -> bool {
    cluster.value(&format!(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname::text = '{database}') \
         OR EXISTS (SELECT FROM pg_roles WHERE rolname::text = '{database}')"
    ))
}

/// Drops the tenant's database behind tenantctl's back and puts `made` in its place.
pub(crate) fn replaced(operator: &Operator, comment: Option<&str>) -> String {
    let database = operator.tenant("acme").database;
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("DROP DATABASE {database} WITH (FORCE)"));
    superuser.run(&format!("CREATE DATABASE {database} TEMPLATE template0"));
    server().superuser(&database).run("CREATE TABLE theirs AS SELECT 42 AS answer");
    if let Some(comment) = comment {
        superuser.run(&format!("COMMENT ON DATABASE {database} IS '{comment}'"));
    }
    database
}

#[track_caller]
pub(crate) fn assert_strangers_is_refused_and_intact(
    operator: &Operator,
    database: &str,
    finding: &str,
) {
    let purge = "-o json tenant purge acme --no-backup --confirm acme";
    let error = operator.run(purge).fails_with(8).error();
    assert!(error.to_string().contains(finding), "{finding} in {error}");
    assert!(operator.tenant("acme").is_quarantined, "{error}");
    let answer: i32 = server().superuser(database).value("SELECT answer FROM theirs");
    assert_eq!(answer, 42);
    assert_ne!(operator.tenant("acme").status, "purged");
    let _ran = operator.run("audit verify").success();
}

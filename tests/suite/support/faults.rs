//! Commands that are killed or failed at a step, and what must hold afterwards.

use uuid::Uuid;

use super::{Operator, server};

/// Where and how each step is struck.
pub(crate) const STRIKES: [(&str, &str); 4] =
    [("before", "kill"), ("after", "kill"), ("before", "err"), ("after", "err")];

/// A user no real one is.
pub(crate) const USER: &str = "00000000-0000-4000-8000-000000000001";

/// Runs `line` with a fault at each moment of `step`, for a slug of its own each time, and then
/// once more without.
pub(crate) fn strike(
    operator: &Operator,
    step: &str,
    slug: &str,
    moment: &str,
    how: &str,
    line: &str,
) {
    let broken = operator.run_failing(&format!("{step}.{moment}:{how}"), line);
    if how == "kill" {
        let _ran = broken.was_killed();
    } else {
        assert_eq!(broken.code(), 1, "what our own code fails at is our bug: {broken}");
        // The one commit point may be behind it: then there is nothing to note it on.
        let noted: Vec<(Option<String>,)> = operator.plane().rows(&format!(
            "SELECT last_error FROM control_plane.operations o \
             JOIN control_plane.tenant_metadata t USING (tenant_id) \
             WHERE slug = '{slug}' AND finished_at IS NULL"
        ));
        for (error,) in noted {
            assert!(error.is_some_and(|error| error.starts_with(step)), "a note of {step}");
        }
    }
}

/// Returns the command that creates a tenant with everything.
pub(crate) fn create_line(slug: &str) -> String {
    format!("{} --seed", migrated_line(slug))
}

/// Returns the one without sample data.
pub(crate) fn migrated_line(slug: &str) -> String {
    format!("tenant create {slug} --name 'Acme Ltd'")
}

/// Returns the one that makes the database, its login and its gate: what deleting is about.
pub(crate) fn bare_line(slug: &str) -> String {
    format!("{} --no-migrate", migrated_line(slug))
}

/// Returns the shortest one that has the step.
pub(crate) fn line_with(step: &str, slug: &str) -> String {
    match step {
        "seed" => create_line(slug),
        "migrate" | "verify" | "activate" => migrated_line(slug),
        _ => bare_line(slug),
    }
}

/// Creates a tenant whose database holds something of its own.
pub(crate) fn make(operator: &Operator, slug: &str) {
    let _ran = operator.run(&bare_line(slug)).success();
    operator.inside(slug).run("CREATE TABLE public.mine AS SELECT 42 AS answer");
}

/// Whether what `make` put there is there.
pub(crate) fn has_mine(operator: &Operator, slug: &str) -> bool {
    operator.inside(slug).value("SELECT to_regclass('public.mine') IS NOT NULL")
}

/// What is in a tenant's database that a second run could have doubled or lost.
pub(crate) fn contents(operator: &Operator, slug: &str) -> Vec<(String, i64)> {
    operator.inside(slug).rows(
        "SELECT 'migrations', count(*) FROM tenantctl.schema_history \
         UNION ALL SELECT 'gate', count(*) FROM tenantctl.gate_history \
         UNION ALL SELECT 'identity', count(*) FROM tenantctl.identity \
         UNION ALL SELECT 'vendors', count(*) FROM vendors \
         UNION ALL SELECT 'products', count(*) FROM products \
         UNION ALL SELECT 'sales orders', count(*) FROM sales_orders \
         UNION ALL SELECT 'forced', count(*) FROM pg_class \
           WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND relforcerowsecurity",
    )
}

/// The tenant can be used, by its application and by nobody else.
#[track_caller]
pub(crate) fn assert_usable(operator: &Operator, slug: &str) {
    let tenant = operator.tenant(slug);
    assert_eq!(tenant.status, "active");
    let mut login = operator.login(slug).unwrap();
    assert!(login.value::<bool>("SELECT tenantctl.access_allowed()"));
    let is_public: bool =
        login.value("SELECT has_database_privilege('public', current_database(), 'CONNECT')");
    assert!(!is_public, "PUBLIC may connect to {slug}");
}

/// The tenant's database lets nobody in.
#[track_caller]
pub(crate) fn assert_closed(operator: &Operator, slug: &str) {
    let database = operator.tenant(slug).database;
    let doors: Vec<(bool, bool)> = server().operator("postgres").rows(&format!(
        "SELECT datallowconn, rolcanlogin FROM pg_database JOIN pg_roles ON rolname = datname \
         WHERE datname = '{database}'"
    ));
    assert_eq!(doors, [(false, false)], "{slug}: connections allowed, login allowed");
}

macro_rules! for_each_step {
    ($survives:ident: $($name:ident $step:literal)*) => {$(
        #[test]
        fn $name() {
            $survives($step);
        }
    )*};
}
pub(crate) use for_each_step;

pub(crate) fn issue(operator: &Operator, slug: &str) -> String {
    let line = format!("-o json session issue --user {USER} --tenant {slug}");
    let jti = operator.run(&line).success().json()["session"]["jti"].clone();
    let jti = jti.as_str().unwrap().to_owned();
    let _ran = operator.run(&format!("session check {jti}")).success();
    jti
}

/// The slug is free, and whoever gets it next starts from nothing.
#[track_caller]
pub(crate) fn assert_next_is_empty(operator: &Operator, slug: &str) {
    let purged = operator.tenants(slug);
    let _ran = operator.run(&bare_line(slug)).success();
    let next = operator.tenant(slug);
    assert!(purged.iter().all(|old| old.id != next.id && old.database != next.database));
    assert!(next.id.parse::<Uuid>().is_ok());
    assert!(!has_mine(operator, slug));
}

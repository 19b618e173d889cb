//! Two tenants whose rows stand in one database, so that the schema alone keeps them apart.

use std::sync::OnceLock;

use super::{Operator, Session, server};

/// The tables that carry a tenant's id, as the catalogue lists them.
pub(crate) const TABLES: &str = "SELECT c.relname FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND EXISTS ( \
       SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') \
     ORDER BY c.relname";

/// A tenant, and how its application connects.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) database: String,
    pub(crate) url: String,
}

impl Tenant {
    /// Creates a tenant with sample data.
    pub(crate) fn seeded(operator: &Operator, slug: &str) -> Self {
        let _ran =
            operator.run(&format!("tenant create {slug} --name '{slug} Ltd' --seed")).success();
        let url = operator.run(&format!("tenant url {slug} --reveal")).success();
        let row = operator.tenant(slug);
        Self { id: row.id, database: row.database, url: url.stdout().trim().to_owned() }
    }

    /// Logs in with the real password; no tenant's id is set.
    pub(crate) fn login(&self) -> Session {
        Session::at(&self.url).unwrap()
    }
}

/// Two seeded tenants; the database of the first holds the second's rows as well.
pub(crate) struct Two {
    pub(crate) operator: Operator,
    pub(crate) acme: Tenant,
    pub(crate) globex: Tenant,
    pub(crate) tables: Vec<String>,
}

/// Returns the pair that tests which change nothing share.
pub(crate) fn two() -> &'static Two {
    static TWO: OnceLock<Two> = OnceLock::new();
    TWO.get_or_init(make_two)
}

pub(crate) fn make_two() -> Two {
    let operator = Operator::new();
    let acme = Tenant::seeded(&operator, "acme");
    let globex = Tenant::seeded(&operator, "globex");
    let mut superuser = server().superuser(&acme.database);
    let tables: Vec<String> = superuser.ask(TABLES).lines().map(str::to_owned).collect();
    assert!(tables.len() >= 8, "{tables:?}");
    // Foreign keys are not what is tried here, so the rows go in whatever the order.
    superuser.ask("SET session_replication_role = replica");
    for table in &tables {
        let columns = superuser.ask(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
             WHERE attrelid = 'public.{table}'::regclass AND attnum > 0 AND NOT attisdropped \
             AND attgenerated = '' AND attname <> 'tenant_id'"
        ));
        superuser.ask(&format!(
            "INSERT INTO public.{table} (tenant_id, {columns}) SELECT '{}', {columns} \
             FROM public.{table} WHERE tenant_id = '{}'",
            globex.id, acme.id
        ));
    }
    Two { operator, acme, globex, tables }
}

/// Returns the login's session with a tenant's id set, as the application sets it.
pub(crate) fn session_as(tenant: &Tenant, id: &str) -> Session {
    let mut login = tenant.login();
    login.ask(&format!("SET app.current_tenant_id = '{id}'"));
    login
}

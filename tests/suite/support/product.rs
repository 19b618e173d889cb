//! A product with migrations of its own, and its fleet of tenants.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{Operator, PATIENCE, Ran, Session, server, until};

/// A migration that adds a table and fails where somebody left a certain row.
pub(crate) const NOTES: &str = "CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);\n\
     SELECT tenantctl.protect('public.notes');\n\
     ALTER TABLE public.vendors ADD CONSTRAINT no_poison CHECK (code <> 'POISON');\n";

/// An operator whose product's migrations stand in a folder: the embedded ones, and more.
pub(crate) struct Product {
    pub(crate) operator: Operator,
    pub(crate) folder: PathBuf,
}

impl Product {
    pub(crate) fn new() -> Self {
        let operator = Operator::new();
        let folder = operator.home().join("migrations");
        fs::create_dir(&folder).unwrap();
        let embedded = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/domain");
        for entry in fs::read_dir(embedded).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
        let operator = operator.with("TENANTCTL_MIGRATIONS_DIR", &folder);
        Self { operator, folder }
    }

    pub(crate) fn add(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub(crate) fn create(&self, slugs: &[&str]) {
        let running: Vec<_> = slugs
            .iter()
            .map(|slug| self.operator.start(&format!("tenant create {slug} --name {slug}"), &[]))
            .collect();
        for create in running {
            let _ran = create.wait().success();
        }
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        self.operator.run(line)
    }

    /// Opens a session inside a tenant's database as the operator.
    pub(crate) fn database(&self, slug: &str) -> Session {
        server().operator(&self.operator.tenant(slug).database)
    }

    /// Returns the versions in a tenant's own history.
    pub(crate) fn history(&self, slug: &str) -> String {
        let versions = "SELECT string_agg(version::text, ',' ORDER BY version) \
                        FROM tenantctl.schema_history";
        self.database(slug).ask(versions)
    }

    /// Returns what the control plane recorded.
    pub(crate) fn recorded(&self, slug: &str) -> String {
        self.operator.plane().ask(&format!(
            "SELECT schema_version FROM control_plane.tenant_metadata WHERE slug = '{slug}'"
        ))
    }
}

/// Returns `slug:verdict` of every result, in order.
pub(crate) fn verdicts(report: &Value) -> String {
    let results = report["results"].as_array().unwrap().iter();
    let shown = results.map(|result| {
        let text = |field: &str| result[field].as_str().unwrap().to_owned();
        let slug = result["tenant"]["slug"].as_str().unwrap();
        format!("{slug}:{}", text("outcome"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

pub(crate) fn result<'v>(report: &'v Value, slug: &str) -> &'v Value {
    let mut results = report["results"].as_array().unwrap().iter();
    results.find(|result| result["tenant"]["slug"] == slug).unwrap()
}

/// Waits until some session waits for the lock on the vendors of this database; in copies of one
/// template the table has the same number.
pub(crate) fn wait_for_the_table(watcher: &mut Session) {
    until("a session to wait for the table", PATIENCE, || {
        let waiting = watcher.ask(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.vendors'::regclass \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        if waiting == "0" { Err("nobody waits".to_owned()) } else { Ok(()) }
    });
}

/// Waits until a process has taken its signal and sleeps again.
pub(crate) fn wait_until_noticed(pid: u32) {
    until("the signal to be noticed", PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
        };
        let is_pending = field("ShdPnd:").bytes().any(|digit| digit != b'0');
        match (is_pending, field("State:").as_str()) {
            (false, "S") => Ok(()),
            (_, state) => Err(format!("state {state}, pending: {is_pending}")),
        }
    });
}

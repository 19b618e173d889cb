//! The migrations that run inside a tenant's database: the gate's, and the product's.

use std::path::Path;

use super::error::ServerError;
use crate::adapters::postgres::{Functions, MigrationSet};

mod gate {
    refinery::embed_migrations!("migrations/gate");
}
mod domain {
    refinery::embed_migrations!("migrations/domain");
}

const SCHEMA: &str = "tenantctl";
const DOMAIN_HISTORY: &str = "tenantctl.schema_history";

/// Returns the gate's migrations. They are ours whatever the product's are.
pub(crate) fn gate_set() -> MigrationSet {
    let migrations = gate::migrations::runner().get_migrations().clone();
    MigrationSet::new(SCHEMA, "tenantctl.gate_history", migrations)
        .with_functions(Functions::of("gate", "tenantctl.functions"))
}

/// Returns the product's migrations that are embedded.
pub(crate) fn domain_set() -> MigrationSet {
    let migrations = domain::migrations::runner().get_migrations().clone();
    MigrationSet::new(SCHEMA, DOMAIN_HISTORY, migrations)
}

/// Returns the product's migrations from a folder.
///
/// # Errors
/// When the folder cannot be read, or holds a `.sql` file whose name is not a migration's: refinery
/// would skip it in silence.
pub(crate) fn domain_set_from(folder: &Path) -> Result<MigrationSet, ServerError> {
    let bad = |problem: String| ServerError::Folder { folder: folder.to_owned(), problem };
    let entries = std::fs::read_dir(folder).map_err(|error| bad(error.to_string()))?;
    let mut migrations = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| bad(error.to_string()))?.path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let shown = crate::model::escape_controls(&stem);
        let text =
            std::fs::read_to_string(&path).map_err(|error| bad(format!("{shown}.sql: {error}")))?;
        if !stem.starts_with('V') {
            return Err(bad(format!("`{shown}.sql` is not named like V1__vendors.sql")));
        }
        let migration = refinery_core::Migration::unapplied(&stem, &text)
            .map_err(|_| bad(format!("`{shown}.sql` is not named like V1__vendors.sql")))?;
        migrations.push(migration);
    }
    migrations.sort();
    let mut pairs = migrations.iter().zip(migrations.iter().skip(1));
    if let Some((first, second)) = pairs.find(|(a, b)| a.version() == b.version()) {
        return Err(bad(format!("`{first}` and `{second}` have the same version")));
    }
    if migrations.is_empty() {
        return Err(bad("it holds no migration".to_owned()));
    }
    Ok(MigrationSet::new(SCHEMA, DOMAIN_HISTORY, migrations))
}

//! The migrations that run inside a tenant's database: the gate's, and the product's.

use std::path::Path;

use super::error::ServerError;
use super::folder;
use crate::adapters::postgres::{Functions, MigrationFile, MigrationSet};

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
    MigrationSet::embedded(SCHEMA, "tenantctl.gate_history", migrations)
        .with_functions(Functions::of("gate", "tenantctl.functions"))
}

/// Returns the product's migrations that are embedded.
pub(crate) fn domain_set() -> MigrationSet {
    let migrations = domain::migrations::runner().get_migrations().clone();
    MigrationSet::embedded(SCHEMA, DOMAIN_HISTORY, migrations)
}

/// Returns the operator's own migrations in a folder, ascending.
///
/// # Errors
/// When the folder cannot be read, or holds what looks like a migration and is none.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<MigrationFile>, ServerError> {
    folder::read(folder).map_err(|(problem, remedy)| ServerError::Folder {
        folder: folder.to_owned(),
        problem,
        remedy,
    })
}

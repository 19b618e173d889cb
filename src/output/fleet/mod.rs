//! Many tenants: what was done to them, and where they stand.

mod run;
mod standing;

pub(crate) use run::render_fleet;
pub(crate) use standing::render_migration_status;

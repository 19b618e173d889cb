//! Many tenants: what was done to them, and where they stand.

mod run;
mod standing;

pub use run::render_fleet;
pub use standing::render_migration_status;

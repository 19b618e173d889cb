//! Many tenants: what was done to them, and where they stand.

mod query;
mod run;
mod standing;

pub(crate) use query::render_query;
pub(crate) use run::render_fleet;
pub(super) use run::{result_json, summary_json};
pub(super) use standing::standing_words;
pub(crate) use standing::{STATUS_COLUMNS, render_migration_status};

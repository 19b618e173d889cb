//! Many tenants: what was done to them, and where they stand.

mod query;
mod results;
mod run;
mod runs;
mod standing;

pub(crate) use query::render_query;
pub(super) use results::{result_json, summary_json};
pub(crate) use run::render_fleet;
pub(crate) use runs::{render_run, render_run_change, render_runs};
pub(super) use standing::standing_words;
pub(crate) use standing::{STATUS_COLUMNS, render_migration_status};

//! Every byte that reaches stdout and stderr leaves from here.
//!
//! stdout carries the result and nothing else; progress, hints, warnings and errors go to stderr.
//! This room fetches nothing and knows no flag.

mod appearance;
mod arrange;
mod ascii;
mod audit;
#[cfg(test)]
mod captured;
mod cases;
mod columns;
mod config;
mod console;
mod csv;
mod exit;
mod failure;
mod fleet;
mod health;
#[cfg(test)]
mod hostile;
mod json;
mod junit;
mod jwks;
#[cfg(test)]
mod kept;
mod layout;
mod line;
mod lint;
mod live;
mod local;
mod lockdown;
mod look;
mod many;
mod member;
mod migration;
mod pages;
mod progress;
mod prompt;
mod running;
mod screen;
mod session;
mod spool;
mod step_summary;
mod steps;
mod stream;
mod tenant;
mod text;
mod token;
mod trace;
mod usage;
mod view;
mod words;

pub(crate) use appearance::{Appearance, Format, Volume};
pub(crate) use arrange::Arrangement;
pub(crate) use audit::{AUDIT_COLUMNS, AuditLines, render_audit, render_audit_verify};
pub(crate) use cases::Cases;
pub(crate) use config::{
    ProfileRow, SettingRow, render_config_files, render_config_written, render_profiles,
    render_settings,
};
pub(crate) use console::Console;
pub(crate) use exit::{EXIT_CODES_TOPIC, exit_code, exit_codes};
pub(crate) use failure::{Ending, Failure};
pub(crate) use fleet::{
    STATUS_COLUMNS, render_fleet, render_migration_status, render_query, render_run,
    render_run_change, render_runs,
};
pub(crate) use health::render_health;
pub(crate) use junit::junit;
pub(crate) use jwks::{render_keys, render_keys_clear_plan, render_keys_cleared, warn_about_keys};
pub(crate) use lint::{annotations, render_lint};
pub(crate) use local::{
    render_destroy_plan, render_destroyed, render_down, render_down_plan, render_revealed_url,
    render_status, render_up, render_url,
};
pub(crate) use lockdown::{render_lockdown, render_lockdown_plan, render_unlock};
pub(crate) use many::{
    render_alone, render_lockdown_plans, render_lockdowns, render_revokes, render_unlocks,
};
pub(crate) use member::{
    MEMBER_COLUMNS, render_member_added, render_member_removed, render_members,
};
pub(crate) use migration::{
    SEED_COLUMNS, render_export, render_install, render_new_migration, render_seed_sets,
};
pub(crate) use progress::Progress;
pub(crate) use session::{
    SESSION_COLUMNS, render_check, render_issue, render_prune, render_revoke, render_session,
    render_sessions,
};
pub(crate) use step_summary::step_summary;
pub(crate) use stream::LogWriter;
pub(crate) use tenant::{
    TenantLines, TenantShape, render_address, render_create, render_create_plan, render_delete,
    render_due, render_due_plan, render_life_plan, render_protect, render_protect_plan,
    render_purge, render_restore, render_rotate_plan, render_tenant, render_update,
};
pub(crate) use text::Text;
pub(crate) use token::{render_decoded, render_explanation, render_verdict};
pub(crate) use trace::TraceLines;
pub(crate) use usage::{definitions, show_clap};
pub(crate) use view::View;

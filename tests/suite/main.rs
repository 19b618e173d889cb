//! The whole program against a real Postgres: one binary, one private server, one file a subject.
#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the harness fails a test by panicking, and says on stderr what it leaves behind"
)]

mod adopt;
mod at_once;
mod audit;
mod auth_admin;
mod auth_events;
mod auth_list;
mod auth_races;
mod auth_recorded;
mod auth_sessions;
mod auth_triggers;
mod broken_server;
mod claims;
mod cli_help;
mod completion;
mod config;
mod connections;
mod domain;
mod dry_runs;
mod exposure;
mod fleet_records;
mod functions;
mod gate;
mod harness;
mod health;
mod images;
mod init;
mod interrupted;
mod isolation;
mod isolation_catalogue;
mod isolation_login;
mod jwks;
mod kill_rounds;
mod local;
mod lockdown;
mod lockdown_auth;
mod lockdown_held;
mod lockdown_many;
mod lockdown_probes;
mod lockdown_races;
mod locks;
mod login_holds;
mod login_leaves;
mod logins;
mod management;
mod member;
mod migrate_apply;
mod migrate_files;
mod migrate_lint;
mod migrate_locks;
mod migrate_records;
mod migrate_select;
mod migrate_session;
mod migrate_status;
mod mutants;
mod output;
mod output_hostile;
mod output_json;
mod own_migrations;
mod poolers;
mod project;
mod project_auth;
mod project_faults;
mod project_files;
mod project_gone;
mod project_lockdown;
mod query;
mod round_trips;
mod runs;
mod saga_faults;
mod saga_takeover;
mod secrets;
mod seed;
mod session;
mod session_check;
mod session_ended;
mod session_gate;
mod session_hook;
mod session_parts;
mod session_races;
mod session_show;
mod supabase;
mod support;
mod templates;
mod tenant_connect;
mod tenant_create;
mod tenant_delete;
mod tenant_list;
mod tenant_login;
mod tenant_names;
mod tenant_purge;
mod tenant_restore;
mod tenant_rotate;
mod tenant_update;
mod tls;
mod token_decode;
mod token_explain;
mod token_garbage;
mod token_keys;
mod token_rules;
mod token_session;
mod token_verify;
mod token_weak_keys;
mod trace;
mod unlock;
mod waiting;
mod where_it_acts;

/// A file that is not in the list above would never run.
#[test]
fn no_file_of_the_suite_is_left_out() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let list = std::fs::read_to_string(here.join("main.rs")).unwrap();
    let mut left_out = Vec::new();
    for entry in std::fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_listed = list.lines().any(|line| line == format!("mod {name};"));
        let is_code = path.is_dir() || path.extension().is_some_and(|extension| extension == "rs");
        if is_code && name != "main" && name != "snapshots" && !is_listed {
            left_out.push(name);
        }
    }
    assert!(left_out.is_empty(), "not in the list of modules: {left_out:?}");
}

//! Our own Postgres: which tenants there are, what is being done to them, and by whom.
//!
//! # What do we store?
//!
//! | table | a row is | written by | read by |
//! | --- | --- | --- | --- |
//! | `identity` | this control plane, its id | `init` | every command |
//! | `functions` | which text of the SQL functions is installed | `init` | every command |
//! | `settings` | what an installation decides once | the operator, by SQL | the judgements |
//! | `tenant_metadata` | a tenant: who it is, where it lives, whether it is locked, its epoch | `tenant`, `migrate`, `lockdown`, `session revoke` | nearly every command, the judgements |
//! | `operations` | one create, adoption, delete, restore, purge or rotation | `tenant`, as a saga | the command that continues it, `tenant show` |
//! | `operation_steps` | one attempt at one step of it, or one request for a project | the saga | `tenant show`, a create that looks for a lost answer |
//! | `policy_sync_log` | one intent or outcome in the audit trail | every command that changes something | `audit` |
//! | `policy_sync_head` | the trail's newest number and hash | a trigger | `audit verify` |
//! | `user_mappings` | a user in a tenant: member, removed or only marked, epoch | logins, `member`, `session revoke` | the judgements, `lockdown` |
//! | `user_marks` | a user's epoch everywhere | `session revoke --user` | the judgements |
//! | `revoked_users` | a user who was ever revoked | triggers | `is_session_valid` |
//! | `sessions` | a session with the epochs of its issue | logins (the token hook), `session issue`, `session revoke --jti` | the judgements, `session` |
//! | `epochs` | why an epoch was raised, and by whom | `session revoke`, `lockdown`, `tenant delete` | `session show` and `list`, `token explain` |
//! | `lockdowns` | what a lockdown changed | `lockdown` | `unlock` |
//! | `clean_builds` | the catalog of a database that nobody touched since it was made | `migrate status --verify`, `tenant create` | `migrate status --verify` |
//! | `migration_runs` | a fleet migration: what is applied to whom, and where it stands | `migrate` | the same |
//! | `migration_run_tenants` | a tenant in it: whose turn it is, how that ended | `migrate` | the same |
//! | `migration_run_workers` | a process that takes part in it | `migrate` | the same |
//! | `locks` | the session that holds a lock | every command that takes one | the same |
//! | `schema_history` | one applied migration | `init` | every command |
//!
//! One file for each table, each function one statement, on a session of the caller's choice: the
//! caller decides what is one transaction. `tenants` reads what `tenant_changes` writes. Only `auth`
//! goes beyond our schema, to Supabase Auth's tables where they are in the same database; a tenant's
//! own database is never touched here.

mod audit;
mod auth;
mod auth_triggers;
mod claims;
mod clean_builds;
mod closing;
mod epochs;
mod error;
mod facts;
mod lockdowns;
mod member_list;
mod members;
mod moment;
mod operation_steps;
mod operations;
mod patience;
mod plane;
mod run_lines;
mod run_workers;
mod runs;
mod sessions;
mod tenant_changes;
mod tenant_properties;
mod tenant_row;
mod tenants;

pub(crate) use audit::{
    AuditEntry, AuditFilter, AuditOutcome, AuditRow, ChainBreak, ChainHead, append, chain_head,
    first_break, list_audit,
};
pub(crate) use auth::{auth_members, end_sessions_of_removed, sign_out, unban, users_covered};
pub(crate) use auth_triggers::{note_signed_out, watch_auth};
pub(crate) use claims::{JudgedClaims, RecordedSession, judge_claims};
pub(crate) use clean_builds::{CleanBuild, find_clean_build, is_stood_at, record_clean_build};
pub(crate) use closing::{close_to_public, grant_to_callers};
pub(crate) use epochs::{SessionScope, raise_epoch};
pub(crate) use error::ControlPlaneError;
pub(crate) use facts::{FleetFacts, fleet_facts};
pub(crate) use lockdowns::{
    BannedBy, Lifting, Lockdown, begin_lifting, find_lifting, find_lockdown, hand_bans_over,
    hold_lockdown, keep_banned, keep_saved, kept_bans, lift_lockdown, open_lockdown, share_bans,
};
pub(crate) use member_list::{Member, list_members};
pub(crate) use members::{
    add_member, find_tenants_of, is_removed, members, remove_member, removed_users,
};
pub(crate) use moment::{fix_moment, now};
pub(crate) use operation_steps::{
    StepRecord, advance, doubtful_post, intend_post, settle_posts, steps,
};
pub(crate) use operations::{
    Lease, NewOperation, Operation, OperationState, check_lease, finish, latest_operation,
    note_failure, open_operation, start, supersede, take_over, was_taken_in,
};
pub(crate) use patience::{patiently, wait_briefly};
pub use plane::ControlPlane;
pub(crate) use plane::{set, set_and};
pub(crate) use run_lines::{
    LeasedLine, Line, NewLine, Step, Told, add_lines, failed_slugs, give_back_lines, lease_lines,
    list_lines, retry_failed, some_open_tenants, tell_lines,
};
pub(crate) use run_workers::{RunWorker, free_lines, join_run, leave_run, renew, workers_of};
pub(crate) use runs::{
    NewRun, Run, RunCounts, WhichRun, count_run, create_run, find_run, forgive, list_runs,
    set_run_state,
};
pub(crate) use sessions::{
    NewSession, Session, SessionFilter, count_expired, count_live, find_session, insert_session,
    is_seen_user, list_sessions, parts_of, prune_batch, revoke_session, sample_session,
    session_state, sign_ins_of,
};
pub(crate) use tenant_changes::{
    Address, TenantProject, hold_tenant, lift_quarantine, lock_tenant, quarantine, record_address,
    record_credential, record_move, record_project, record_schema, set_active, set_deleted,
    set_lock_proven, set_protected, set_purged, set_purging, set_restored, unlock_tenant,
};
pub(crate) use tenant_properties::{Properties, set_properties};
pub(crate) use tenants::{
    NewTenant, TenantFilter, count_tenants, find_any, find_by_id, find_by_place, find_live,
    ids_ever_named, last_changes, list_begins, list_page, marks_of, reserve, select, slugs_like,
    unknown_tenants,
};

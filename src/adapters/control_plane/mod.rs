//! Our own Postgres: which tenants there are, what is being done to them, and by whom.
//!
//! One file for each table, each function one statement, always on a session the caller chose, so
//! that the caller decides what is one transaction. It never touches a tenant's own database.

mod audit;
mod auth;
mod claims;
mod error;
mod journal;
mod lockdowns;
mod plane;
mod rows;
mod sessions;
mod tenants;

pub use audit::{
    AuditEntry, AuditFilter, AuditOutcome, AuditRow, ChainBreak, ChainHead, append, chain_head,
    first_break, list_audit,
};
pub use auth::{Ban, auth_members, ban, has_auth, members, sign_out, sweep, unban};
pub use claims::{JudgedClaims, RecordedSession, judge_claims};
pub use error::ControlPlaneError;
pub use journal::{
    Lease, NewOperation, Operation, StepRecord, advance, check_lease, doubtful_post, finish,
    intend_post, latest_operation, note_failure, open_operation, settle_posts, start, steps,
    supersede, take_over, was_taken_in,
};
pub use lockdowns::{
    BannedBy, Lockdown, find_lockdown, hand_bans_over, keep_banned, keep_saved, lift_lockdown,
    lock_tenant, marks_of, open_lockdown, unlock_tenant,
};
pub use plane::{ControlPlane, set};
pub use sessions::{
    NewSession, Session, SessionFilter, SessionScope, count_expired, count_live, find_session,
    find_tenants_of, fix_moment, insert_session, list_sessions, now, prune_batch, raise_epoch,
    revoke_session, sample_session, session_state,
};
pub use tenants::{
    Address, NewTenant, TenantFilter, find_any, find_by_id, find_by_place, find_live, last_changes,
    lift_quarantine, list_begins, list_page, quarantine, record_address, record_credential,
    record_project, record_schema, reserve, select, set_active, set_deleted, set_protected,
    set_purged, set_purging, set_restored,
};

//! Reports of fleets, sessions, the trail, the control plane and the local server.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::events::{layers, tenant_results};
use super::harness::{acme, foreign, shown_everywhere};
use crate::model::{
    ErrorKind, MemberBy, MemberState, MigrationRecord, Provenance, RunId, RunState, SchemaState,
    SchemaVersion, SessionState, TenantId, TenantStatus, UserId,
};
use crate::output::arrange::Arrangement;
use crate::output::view::View;
use crate::output::{audit, fleet, health, local, member, migration, session};
use crate::services::audit::{AuditOutcome, AuditRow, ChainBreak, ChainHead, VerifyReport};
use crate::services::fleet::{
    ChangeReport, FleetReport, HistoryLine, Run, RunCounts, RunReport, RunStanding, RunWorker,
    StatusReport, StatusStanding, TenantStanding,
};
use crate::services::health::{Advice, Check, CheckOutcome, HealthReport};
use crate::services::local::{LocalDestroyed, LocalEndpoint, LocalStatus, LocalUp, UpOutcome};
use crate::services::lockdown::{ProbeReport, ProbeVerdict};
use crate::services::member::{AddReport, ClaimSays, ListReport, Member, RemoveReport};
use crate::services::migration::CatalogStanding;
use crate::services::migration::{Holding, InstallReport, SeedSet};
use crate::services::session::{AuthResult, GateResult, RevokeReport, Session, Target};

pub(super) const AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

pub(super) fn views(what: &str, views: Vec<View>) {
    for view in views {
        shown_everywhere(what, |console| console.show(&view));
    }
}

fn record() -> MigrationRecord {
    MigrationRecord { version: SchemaVersion(1), name: foreign(), checksum: 1 }
}

fn run_standing() -> RunStanding {
    let run = Run {
        id: RunId(1),
        state: RunState::Paused,
        state_reason: Some(foreign()),
        state_by: Some(foreign()),
        migrations: vec![record()],
        fingerprint: foreign(),
        target: None,
        seed_set: Some(foreign()),
        selector: json!({ "labels": [foreign()] }),
        canary: Some(foreign()),
        max_failures: Some(foreign()),
        failure_limit: None,
        actor: foreign(),
        reason: Some(foreign()),
        operation_id: Uuid::nil(),
        created_at: AT,
        started_at: Some(AT),
        finished_at: None,
    };
    let worker = RunWorker { worker_id: Uuid::nil(), holder: foreign(), jobs: 1, leased: 1 };
    RunStanding {
        run,
        counts: RunCounts { failed: 1, ..RunCounts::default() },
        workers: vec![worker],
        looked_at: AT,
        is_joined: true,
        refused: 1,
    }
}

#[test]
fn a_fleets_results_and_its_standing() {
    let results = FleetReport {
        results: tenant_results(),
        is_dry_run: false,
        is_interrupted: true,
        demanded: BTreeSet::new(),
        elapsed: Duration::from_secs(1),
        run: Some(run_standing()),
    };
    let schema = || SchemaState { version: Some(SchemaVersion(1)), fingerprint: foreign() };
    let standings = [
        StatusStanding::Current,
        StatusStanding::Behind(1),
        StatusStanding::Diverged(foreign()),
        StatusStanding::Differs(vec![foreign()]),
        StatusStanding::Unknown(foreign()),
    ];
    let tenants = standings.map(|standing| TenantStanding {
        tenant: acme(),
        status: TenantStatus::Active,
        recorded: Some(schema()),
        standing,
        history: Some(vec![HistoryLine { record: record(), applied_at: AT }]),
        catalog: Some(CatalogStanding::Differs(vec![foreign()])),
    });
    let status = |tenants: &[TenantStanding]| {
        let tenants = tenants.to_vec();
        fleet::render_migration_status(
            &Rc::new(StatusReport {
                head: schema(),
                tenants,
                is_verified: true,
                is_everybody: false,
            }),
            &Arrangement::default(),
        )
    };
    let of_one = status(&tenants[..1]);
    let run = RunReport { standing: run_standing(), results: tenant_results() };
    let change = ChangeReport { standing: run_standing(), is_changed: true, is_dry_run: false };
    let runs = vec![
        fleet::render_runs(&[run_standing()]),
        fleet::render_run(&run),
        fleet::render_run_change(&change),
    ];
    views("runs", runs);
    views("a fleet", vec![fleet::render_fleet(&results), status(&tenants), of_one]);
}

#[test]
fn sessions() {
    let one = Session {
        jti: "a-session".parse().unwrap(),
        sign_in: "a-sign-in".parse().unwrap(),
        user_id: UserId(Uuid::nil()),
        tenant_id: TenantId(Uuid::nil()),
        tenant: "acme".parse().unwrap(),
        state: SessionState::Revoked,
        issued_at: AT,
        expires_at: AT,
        revoked_at: Some(AT),
        revoked_by: Some(foreign()),
        revoke_reason: Some(foreign()),
        ip: Some(foreign()),
        device: Some(foreign()),
        metadata: json!({ foreign(): [foreign()] }),
        last_seen_at: Some(AT),
    };
    let revoked = RevokeReport {
        target: Target::Tenant("acme".parse().unwrap()),
        tenant: Some(acme()),
        sessions: 2,
        is_dry_run: false,
        was_revoked: false,
        gates: vec![GateResult {
            tenant: acme(),
            problem: Some(foreign()),
            project_auth: Some(AuthResult { sessions: 0, problem: Some(foreign()) }),
        }],
        auth: Some(AuthResult { sessions: 0, problem: Some(foreign()) }),
        has_admin_api: false,
        unseen: None,
    };
    views(
        "sessions",
        vec![
            session::render_session(&one),
            session::render_sessions(&crate::services::session::ListReport {
                sessions: vec![one],
                unseen: None,
            }),
            session::render_revoke(&revoked),
        ],
    );
}

#[test]
fn members() {
    let one = |state| Member {
        user_id: UserId(Uuid::nil()),
        email: Some(foreign()),
        role: Some(foreign()),
        by: Some(MemberBy::Auth),
        state,
        since: Some(AT),
        removed_at: Some(AT),
    };
    let tenant = acme;
    let states = [MemberState::Member, MemberState::Former, MemberState::Removed];
    let list = ListReport {
        tenant: tenant(),
        members: states.map(one).into(),
        is_beside_auth: true,
        has_more: true,
    };
    let added = AddReport {
        tenant: tenant(),
        user_id: UserId(Uuid::nil()),
        role: Some(foreign()),
        was_there: false,
        is_dry_run: false,
        claim: ClaimSays::Elsewhere(foreign()),
        tenants: 2,
        gate_problem: Some(foreign()),
    };
    let probe = ProbeReport {
        probe: "gate",
        verdict: ProbeVerdict::CouldNotRun(foreign()),
        detail: foreign(),
        holes: Vec::new(),
        at: Duration::from_secs(1),
    };
    let removed = RemoveReport {
        tenant: tenant(),
        user_id: UserId(Uuid::nil()),
        is_dry_run: false,
        was_removed: false,
        sessions: 1,
        layers: layers(),
        probes: vec![probe],
        was_added_again: false,
        elapsed: Duration::from_secs(1),
    };
    views(
        "members",
        vec![
            member::render_members(&list),
            member::render_member_added(&added),
            member::render_member_removed(&removed),
        ],
    );
}

#[test]
fn the_audit_trail() {
    let row = AuditRow {
        id: 1,
        at: AT,
        actor: foreign(),
        action: foreign(),
        tenant_id: Some(TenantId(Uuid::nil())),
        slug: Some(foreign()),
        target: Some(foreign()),
        reason: Some(foreign()),
        detail: json!({ foreign(): foreign() }),
        outcome: AuditOutcome::Done,
        operation_id: None,
        prev_hash: foreign(),
        hash: foreign(),
    };
    let report = VerifyReport {
        head: ChainHead { last_id: 2, hash: foreign() },
        first_break: Some(ChainBreak { id: 1, problem: foreign() }),
    };
    shown_everywhere("an exported row", |console| {
        let mut lines = audit::AuditLines::new(console);
        lines.page_or_stop(std::slice::from_ref(&row)).unwrap();
        lines.finish();
    });
    views("the trail", vec![audit::render_audit(&[row]), audit::render_audit_verify(&report)]);
}

#[test]
fn health_and_the_control_plane() {
    let failed = CheckOutcome::Failed {
        kind: ErrorKind::Unavailable,
        chain: vec![foreign(), foreign()],
        hint: Some(foreign()),
    };
    let checks = [CheckOutcome::Reachable(foreign()), failed].map(|outcome| Check {
        name: "control_plane",
        address: Some(foreign()),
        outcome,
        elapsed: Duration::from_millis(3),
        advice: vec![Advice { what: foreign(), remedy: foreign() }],
    });
    let install = |is_dry_run| {
        let report = InstallReport {
            control_plane_id: Uuid::nil(),
            control_plane: foreign(),
            version: SchemaVersion(1),
            applied: vec![record()],
            planned: vec![record()],
        };
        migration::render_install(&report, is_dry_run)
    };
    let set = SeedSet {
        name: foreign(),
        files: Vec::new(),
        holds: vec![Holding { table: foreign(), rows: 1 }],
        provenance: Provenance::Embedded,
    };
    views(
        "the control plane",
        vec![
            health::render_health(&HealthReport { checks: checks.into(), fleet: None }),
            install(true),
            install(false),
            migration::render_seed_sets(&[set], &Arrangement::default()),
        ],
    );
}

#[test]
fn the_local_server() {
    let endpoint = LocalEndpoint {
        host: foreign(),
        port: 1,
        socket_dir: foreign().into(),
        user: foreign(),
        password: Zeroizing::new(foreign()),
        database: foreign(),
        secret_key: Zeroizing::new(foreign()),
    };
    let up = LocalUp {
        outcome: UpOutcome::Created,
        endpoint,
        version: foreign(),
        pid: 1,
        account: foreign(),
        directory: foreign().into(),
        elapsed: Duration::from_secs(1),
    };
    let directory = || foreign().into();
    let running = LocalStatus::Running {
        pid: 1,
        port: 1,
        socket_dir: directory(),
        version: foreign(),
        since: AT,
        databases: 1,
        size_bytes: Some(1),
        directory: directory(),
    };
    let destroyed = LocalDestroyed::Destroyed { directory: directory(), was_running: true };
    let mut all = vec![
        local::render_up(&up, &foreign()),
        local::render_url(&foreign()),
        local::render_destroyed(&destroyed),
    ];
    let statuses = [
        running,
        LocalStatus::Stopped { major: 17, port: None, directory: directory() },
        LocalStatus::Changing { pid: None, directory: directory() },
        LocalStatus::Unresponsive { pid: 1, directory: directory() },
    ];
    all.extend(statuses.iter().map(local::render_status));
    views("the local server", all);
}

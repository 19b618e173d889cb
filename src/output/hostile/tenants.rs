//! Reports of single tenants.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::events::layers;
use super::harness::{acme, asked_everywhere, foreign, shown_everywhere};
use super::reports::{AT, views};
use crate::model::{
    Act, ErrorKind, Lock, Placement, Quarantine, SchemaState, SchemaVersion, Tenant, TenantStatus,
};
use crate::output::arrange::Arrangement;
use crate::output::lockdown::{render_lockdown, render_unlock};
use crate::output::tenant::{
    TenantLines, TenantShape, render_address, render_create, render_create_plan, render_delete,
    render_due, render_due_plan, render_life_plan, render_protect, render_purge, render_restore,
    render_tenant, render_update,
};
use crate::services::audit::{AuditOutcome, AuditRow};
use crate::services::home::{Contradiction, HomeError, Presence, Standing, Unlooked, Unrecorded};
use crate::services::lockdown::{Hole, LockdownReport, ProbeReport, ProbeVerdict, UnlockReport};
use crate::services::saga::StepReport;
use crate::services::tenant::{
    AddressReport, CreateOutcome, CreatePlan, CreateReport, DeleteReport, DueFailure, LifePlan,
    ListReport, ListedTenant, Operation, OperationState, PropertyChange, ProtectReport,
    PurgeDueReport, PurgeReport, RestoreReport, Stakes, StepRecord, TenantDetails, UpdateReport,
};

const ELAPSED: Duration = Duration::from_secs(1);

fn tenant() -> Tenant {
    Tenant {
        id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
        slug: "acme".parse().unwrap(),
        name: foreign(),
        plan: Some(foreign()),
        labels: BTreeMap::from([(foreign(), foreign())]),
        status: TenantStatus::Active,
        quarantine: Some(Quarantine { at: AT, reason: foreign() }),
        placement: Placement::Database,
        project_ref: None,
        organization: Some(foreign()),
        database: None,
        database_oid: None,
        system_identifier: Some(foreign()),
        host: Some(foreign()),
        port: Some(1),
        is_pooled: false,
        region: Some(foreign()),
        schema: Some(schema()),
        session_epoch: 0,
        lock: Some(Lock { since: AT, by: foreign(), reason: foreign(), proven_at: None }),
        is_protected: true,
        status_before_delete: None,
        purge_after: Some(AT),
        credential: None,
        created_at: AT,
        updated_at: AT,
        deleted_at: Some(AT),
    }
}

fn schema() -> SchemaState {
    SchemaState { version: Some(SchemaVersion(1)), fingerprint: foreign() }
}

fn steps() -> Vec<StepReport> {
    vec![StepReport { step: "place", outcome: foreign(), was_there: false, elapsed: ELAPSED }]
}

const STEPS: [(&str, &str); 1] = [("place", "make the database")];

#[test]
fn a_tenants_life() {
    let created = |is_credential_kept| {
        render_create(&CreateReport {
            tenant: tenant(),
            outcome: CreateOutcome::Adopted,
            steps: steps(),
            url: foreign(),
            is_credential_kept,
            seed: Some(foreign()),
            elapsed: ELAPSED,
        })
    };
    let plan = CreatePlan {
        existing: Some(tenant()),
        database: Some(foreign()),
        project: Some(foreign()),
        found: Some(vec![foreign()]),
        steps: STEPS.into(),
        schema: Some(schema()),
    };
    let life_plan =
        LifePlan { tenant: tenant(), status: TenantStatus::Deleted, steps: STEPS.into() };
    let (steps, elapsed) = (steps(), ELAPSED);
    let restored =
        RestoreReport { tenant: tenant(), was_there: false, steps: steps.clone(), elapsed };
    let deleted =
        DeleteReport { tenant: tenant(), was_deleted: false, steps: steps.clone(), elapsed };
    let purged = PurgeReport { tenant: tenant(), was_purged: false, steps, elapsed };
    views(
        "a tenant's life",
        vec![
            created(true),
            created(false),
            render_create_plan("acme", &plan),
            render_life_plan(&life_plan),
            render_delete(&deleted),
            render_restore(&restored),
            render_purge(&purged),
            render_due_plan(&[tenant()]),
            render_due(&PurgeDueReport {
                purged: vec![purged],
                failed: vec![DueFailure {
                    tenant: acme(),
                    kind: ErrorKind::Internal,
                    chain: vec![foreign(), foreign()],
                    hint: Some(foreign()),
                }],
            }),
            render_protect(&ProtectReport {
                tenant: tenant(),
                is_protected: true,
                has_changed: true,
            }),
            render_update(&UpdateReport {
                tenant: tenant(),
                changes: vec![PropertyChange {
                    property: foreign(),
                    before: Some(foreign()),
                    after: Some(foreign()),
                }],
                is_dry_run: false,
            }),
            render_address(&AddressReport {
                tenant: tenant(),
                masked: foreign(),
                revealed: None,
                is_kept: true,
            }),
        ],
    );
    let stakes = Stakes { size: Err(foreign()), sessions: Some(3) };
    asked_everywhere("what is about to change", |console| {
        let plan = LifePlan { tenant: tenant(), status: TenantStatus::Deleted, steps: Vec::new() };
        console.show_affected(&plan, &stakes, Some(AT));
    });
    shown_everywhere("what is due", |console| console.show_due(&[tenant()], &stakes));
}

#[test]
fn a_tenants_record() {
    let operation = Operation {
        id: Uuid::nil(),
        kind: Act::Create,
        fingerprint: foreign(),
        request: json!({}),
        state: OperationState::Running,
        step: foreign(),
        actor: foreign(),
        holder: foreign(),
        last_error: Some(foreign()),
        started_at: AT,
        updated_at: AT,
    };
    let step =
        StepRecord { step: foreign(), attempt: 1, elapsed_ms: Some(1), outcome: Some(foreign()) };
    let act = AuditRow {
        id: 1,
        at: AT,
        actor: foreign(),
        action: foreign(),
        tenant_id: None,
        slug: Some(foreign()),
        target: Some(foreign()),
        reason: Some(foreign()),
        detail: json!({}),
        outcome: AuditOutcome::Failed,
        operation_id: Some(operation.id),
        prev_hash: foreign(),
        hash: foreign(),
    };
    let details = TenantDetails {
        listed: ListedTenant { tenant: tenant(), presence: Presence::Missing },
        unlooked: None,
        act: Some(act),
        operation: Some(operation),
        steps: vec![step],
    };
    views("a tenant's record", vec![render_tenant(&details)]);
}

#[test]
fn a_list_of_tenants() {
    let standing = || Standing { word: foreign(), is_ready: false };
    let presences = [
        Presence::Unknown,
        Presence::Found(Some(standing())),
        Presence::Missing,
        Presence::Contradicted(Contradiction::ForeignComment),
    ];
    let page = presences.map(|presence| ListedTenant { tenant: tenant(), presence });
    shown_everywhere("a list of tenants", |console| {
        let mut lines = TenantLines::new(console, TenantShape::Tenants, Arrangement::default());
        lines.page_or_stop(&page).unwrap();
        let unrecorded = Unrecorded {
            tenant_id: "00000000-0000-4000-8000-000000000002".parse().unwrap(),
            slug: foreign(),
            database: Some(foreign()),
            project: None,
            standing: Some(standing()),
        };
        let error = HomeError::NoOrganization { known: vec![foreign()] };
        let unlooked = vec![Unlooked { what: "the cluster", error }];
        lines.finish(ListReport { unrecorded: vec![unrecorded], unlooked, of: None });
    });
}

fn hole() -> Hole {
    Hole { role: foreign(), what: foreign(), commands: vec![foreign()], why: foreign() }
}

#[test]
fn a_lockdown() {
    let verdicts =
        [ProbeVerdict::Refused, ProbeVerdict::GotIn, ProbeVerdict::CouldNotRun(foreign())];
    let probes = verdicts.map(|verdict| ProbeReport {
        probe: "login",
        verdict,
        detail: foreign(),
        holes: vec![hole()],
        at: ELAPSED,
    });
    let locked = LockdownReport {
        overtaken: None,
        tenant: tenant(),
        layers: layers(),
        probes: probes.into(),
        is_interrupted: false,
        elapsed: ELAPSED,
    };
    let unlocked = UnlockReport {
        overtaken: None,
        tenant: tenant(),
        layers: layers(),
        was_locked: true,
        is_interrupted: true,
        elapsed: ELAPSED,
    };
    views("a lockdown", vec![render_lockdown(&locked), render_unlock(&unlocked)]);
}

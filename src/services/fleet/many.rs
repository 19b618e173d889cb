//! `lockdown`, `unlock` and `session revoke` on many tenants: one report and one exit code.
//!
//! A tenant's failure stops no other. Each tenant has its own entry in the audit trail, since each is
//! looked for there by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::cause::Cause;
use super::event::FleetEvent;
use super::report::{FleetReport, TenantResult, TenantVerdict};
use crate::model::{
    Classified, ErrorKind, Interrupt, SecretText, Slug, Tenant, TenantNames, TenantRef,
};
use crate::services::home::World;
use crate::services::lockdown::{
    Coming, LockdownError, LockdownReport, LockdownRequest, UnlockReport, begin_lockdown,
    finish_lockdown, unlock,
};
use crate::services::session::{RevokeReport, RevokeRequest, SessionError, Target, revoke};

/// How many tenants at a time. It is waiting that takes long: for servers, and between two sweeps.
const AT_ONCE: usize = 16;

/// What an act on many tenants came to.
#[derive(Debug)]
pub(crate) struct ManyReport<R> {
    /// A line for each, by slug.
    pub fleet: FleetReport,
    /// What is told of each whose act came to its end.
    pub reports: BTreeMap<Slug, R>,
}

/// Where an act on many is heard of, and stopped.
#[derive(Clone, Copy)]
pub(crate) struct Listener<'a> {
    pub interrupt: &'a Interrupt,
    pub on_event: &'a dyn Fn(FleetEvent),
}

/// Locks tenants down. Each is refused by the control plane before anything slower of it is begun, and
/// waits for no other: those whose turn with the slower layers has not come are refused all the same.
pub(crate) async fn lockdown_many(
    world: &World,
    tenants: Vec<Tenant>,
    request: &LockdownRequest,
    open_password: &dyn Fn(&Tenant) -> Option<SecretText>,
    listener: Listener<'_>,
) -> ManyReport<LockdownReport> {
    let (first, slower) = (Semaphore::new(AT_ONCE), Semaphore::new(AT_ONCE));
    // Those that run come to their end, with what is tried.
    let whole = Interrupt::default();
    let lock = async |named: TenantRef, coming: Coming| {
        let begun = {
            let _turn = first.acquire().await;
            if listener.interrupt.is_raised() {
                return Ok(None);
            }
            begin_lockdown(&world.plane, &named, request).await?
        };
        let _turn = slower.acquire().await;
        if listener.interrupt.is_raised() {
            return Err(LockdownError::OnlyBegun(begun.tenant.slug.to_string()));
        }
        begun.coming.set(Some(coming));
        let finishing = finish_lockdown(world, begun, request, open_password, &whole, &|_| {});
        Ok(Some(Box::pin(finishing).await))
    };
    listener.planned(&tenants);
    let acts: Vec<_> = tenants
        .into_iter()
        .map(|tenant| {
            let lock = lock(tenant.id.into(), request.roll.coming());
            (tenant, lock)
        })
        .collect();
    listener.run(acts.into_iter(), usize::MAX, lockdown_verdict).await
}

/// Unlocks tenants.
pub(crate) async fn unlock_many(
    world: &World,
    tenants: Vec<Tenant>,
    request: &LockdownRequest,
    listener: Listener<'_>,
) -> ManyReport<UnlockReport> {
    let unlock = async |named: TenantRef| {
        if listener.interrupt.is_raised() {
            return Ok::<_, LockdownError>(None);
        }
        Box::pin(unlock(world, &named, request, &Interrupt::default(), &|_| {})).await.map(Some)
    };
    listener.planned(&tenants);
    let acts = tenants.into_iter().map(|tenant| {
        let named = tenant.id.into();
        (tenant, unlock(named))
    });
    listener.run(acts, AT_ONCE, unlock_verdict).await
}

/// Revokes the sessions in tenants, or those of one user there.
pub(crate) async fn revoke_many(
    world: &World,
    tenants: Vec<Tenant>,
    request: &RevokeRequest,
    target: impl Fn(TenantRef) -> Target,
    listener: Listener<'_>,
) -> ManyReport<RevokeReport> {
    let revoke = async |target: Target| {
        if listener.interrupt.is_raised() {
            return Ok::<_, SessionError>(None);
        }
        Box::pin(revoke(world, &target, request)).await.map(Some)
    };
    listener.planned(&tenants);
    let acts = tenants.into_iter().map(|tenant| {
        let target = target(tenant.id.into());
        (tenant, revoke(target))
    });
    listener.run(acts, AT_ONCE, revoke_verdict).await
}

impl Listener<'_> {
    fn planned(self, tenants: &[Tenant]) {
        let tenants = tenants.len();
        (self.on_event)(FleetEvent::Planned { tenants, to_open: tenants });
    }

    /// Gives each its turn, so many at a time and in one task.
    async fn run<R, E, F>(
        self,
        acts: impl Iterator<Item = (Tenant, F)>,
        at_once: usize,
        verdict: fn(&R, &Tenant) -> TenantVerdict,
    ) -> ManyReport<R>
    where
        E: Classified,
        F: Future<Output = Result<Option<R>, E>>,
    {
        let started = Instant::now();
        let turn = async |(tenant, act): (Tenant, F)| {
            let began = Instant::now();
            if !self.interrupt.is_raised() {
                (self.on_event)(FleetEvent::Started((&tenant).into()));
            }
            (act.await, tenant, began.elapsed())
        };
        let _finishing = self.interrupt.finishes("those that run");
        let mut turns = stream::iter(acts).map(turn).buffer_unordered(at_once);
        let (mut results, mut reports) = (Vec::new(), BTreeMap::new());
        while let Some((turn, tenant, elapsed)) = turns.next().await {
            let verdict = match turn {
                Ok(None) => TenantVerdict::NotBegun,
                Ok(Some(report)) => {
                    let verdict = verdict(&report, &tenant);
                    let _before = reports.insert(tenant.slug.clone(), report);
                    verdict
                }
                Err(error) => TenantVerdict::Failed(Cause::of(&error, &tenant)),
            };
            let version = tenant.schema.and_then(|schema| schema.version);
            let tenant = TenantNames { id: tenant.id, slug: tenant.slug };
            let result = TenantResult { tenant, verdict, version, elapsed };
            if result.verdict != TenantVerdict::NotBegun {
                (self.on_event)(FleetEvent::Finished(result.clone()));
            }
            results.push(result);
        }
        results.sort_by(|a, b| a.tenant.slug.cmp(&b.tenant.slug));
        let fleet = FleetReport {
            results,
            is_dry_run: false,
            is_interrupted: self.interrupt.is_raised(),
            demanded: BTreeSet::new(),
            elapsed: started.elapsed(),
            run: None,
        };
        ManyReport { fleet, reports }
    }
}

fn lockdown_verdict(report: &LockdownReport, tenant: &Tenant) -> TenantVerdict {
    let Some(kind) = report.ending() else {
        return TenantVerdict::Done(vec!["locked down, and proved".to_owned()]);
    };
    let mut chain = vec![format!("prove the lockdown of `{}`", tenant.slug)];
    chain.extend(report.problems());
    TenantVerdict::Failed(Cause::told(kind, chain, Some(AGAIN.to_owned()), tenant))
}

fn unlock_verdict(report: &UnlockReport, tenant: &Tenant) -> TenantVerdict {
    match report.ending() {
        None if report.was_locked => TenantVerdict::Done(vec!["unlocked".to_owned()]),
        None => TenantVerdict::Unchanged,
        Some(kind) => {
            let mut chain = vec![format!("give `{}` back what its lockdown took", tenant.slug)];
            chain.extend(report.problems());
            TenantVerdict::Failed(Cause::told(kind, chain, Some(AGAIN.to_owned()), tenant))
        }
    }
}

fn revoke_verdict(report: &RevokeReport, tenant: &Tenant) -> TenantVerdict {
    match report.ending() {
        None if report.is_dry_run => {
            TenantVerdict::Planned(vec![format!("{} sessions are valid", report.sessions)])
        }
        None => TenantVerdict::Done(vec![format!("{} sessions were valid", report.sessions)]),
        Some(kind) => {
            let mut chain = vec![format!("pass the revocation in `{}` on", tenant.slug)];
            chain.extend(report.problems());
            TenantVerdict::Failed(Cause::told(kind, chain, Some(AGAIN.to_owned()), tenant))
        }
    }
}

/// What to do about a tenant that is not done.
const AGAIN: &str = "run the same command again: it does what is left";

/// Returns what a command ends with that locked many tenants down: what may still let in comes before
/// everything else.
pub(crate) fn lockdown_ending(report: &ManyReport<LockdownReport>) -> Option<ErrorKind> {
    let is_unproven = |result: &TenantResult| matches!(&result.verdict, TenantVerdict::Failed(cause) if cause.kind == ErrorKind::Unproven);
    if report.fleet.results.iter().any(is_unproven) && !report.fleet.is_interrupted {
        return Some(ErrorKind::Unproven);
    }
    report.fleet.ending()
}

//! Creating a tenant, from the slug to the login that works; or continuing a creation that was left
//! behind.
//!
//! Recovery goes forward: nothing a step has made is destroyed because a later one failed.
//! `tenant delete` is how one gives up.

use std::cell::RefCell;
use std::time::Instant;

use super::make::{Making, Secured};
use super::report::{CreateOutcome, CreateReport};
use super::request::CreateRequest;
use super::reserve::{Reserved, reserve};
use super::spec::check_baseline;
use super::steps::{RESERVE, Step, title_of};
use crate::model::{Act, Interrupt, Tenant};
use crate::services::home::{Place, World};
use crate::services::migration::CleanBuilds;
use crate::services::saga::{Halt, Run, StepEvent, StepProgress, StepReport};
use crate::services::tenant::error::TenantError;
use crate::services::tenant::operation::{reread, stopped};

/// Creates a tenant, or continues a creation that was left behind.
///
/// # Errors
/// When the slug is taken by another specification, another process works on it, or a step fails;
/// then the operation stays open and the same request continues it.
pub(crate) async fn run(
    world: &World,
    request: &CreateRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<CreateReport, TenantError> {
    world.homes.require(request.placement)?;
    check_baseline(request)?;
    let started = Instant::now();
    let deadline = request.patience.until();
    if request.migrates && request.sets.own_up_to(None).next().is_some() {
        let clean = CleanBuilds::new(world, &request.sets);
        clean.judge(request.placement, None, deadline).await?;
    }
    let (reserved, first) = announced(world, request, deadline, on_event).await?;
    let Reserved { tenant, journal, is_continued } = reserved;
    let Some(mut journal) = journal else {
        let outcome = CreateOutcome::AlreadyThere;
        return Ok(report(world, request, tenant, outcome, Vec::new(), started));
    };
    let template = RefCell::default();
    let making =
        Making { world, request, tenant: &tenant, interrupt, on_event, deadline, template };
    let mut run = Run::new(&mut journal, interrupt, on_event);
    let walked = in_steps(&making, &mut run).await;
    let steps = std::iter::once(first).chain(run.finish()).collect();
    match walked {
        Ok(()) => {}
        Err(Halt::PutOff { step }) => {
            journal.put_off(step).await?;
            let now = reread(&mut journal, &tenant).await?;
            return Ok(report(world, request, now, CreateOutcome::AskedFor, steps, started));
        }
        Err(halt) => return Err(stopped(halt, request.act(), &tenant, &mut journal).await),
    }
    let outcome = match request.act() {
        Act::Adopt => CreateOutcome::Adopted,
        _ if is_continued => CreateOutcome::Continued,
        _ => CreateOutcome::Created,
    };
    let now = reread(&mut journal, &tenant).await?;
    Ok(report(world, request, now, outcome, steps, started))
}

/// The whole way, each step with what it takes from those before.
async fn in_steps(making: &Making<'_>, run: &mut Run<'_>) -> Result<(), Halt<TenantError>> {
    let title = title_of(Step::Place, making.request);
    let place = run
        .titled(Step::Place, title, async |journal, attempt| making.place(attempt, journal).await)
        .await?;
    let mut entered = match place {
        Place::Ready(entered) => *entered,
        Place::Pending(tenant) => {
            run.step(Step::Await, async |journal, _| making.wait_for(&tenant, journal).await)
                .await?
        }
    };
    let Secured { mut inside, password } = run
        .step(Step::Secure, async |journal, attempt| {
            making.secure(&mut entered, attempt, journal).await
        })
        .await?;
    run.step(Step::Register, async |journal, _| {
        making.register(&mut entered, &password, journal).await
    })
    .await?;
    if making.request.migrates || making.request.baseline.is_some() {
        let title = title_of(Step::Migrate, making.request);
        run.titled(Step::Migrate, title, async |journal, _| {
            making.migrate(&mut inside, journal).await
        })
        .await?;
    }
    if let Some(set) = &making.request.seed {
        run.step(Step::Seed, async |_, _| making.seed(&mut inside, set).await).await?;
    }
    run.step(Step::Verify, async |journal, _| {
        making.verify(&mut entered, &mut inside, &password, journal).await
    })
    .await?;
    run.step(Step::Activate, async |journal, _| {
        making.activate(&mut entered, &mut inside, journal).await
    })
    .await?;
    inside.close().await;
    entered.close().await;
    Ok(())
}

/// Reserves the slug, with the events and the report of a step.
async fn announced(
    world: &World,
    request: &CreateRequest,
    deadline: tokio::time::Instant,
    on_event: &dyn Fn(StepEvent),
) -> Result<(Reserved, StepReport), TenantError> {
    let (step, title) = RESERVE;
    let started = Instant::now();
    let emit = |progress| on_event(StepEvent { step, title, progress });
    emit(StepProgress::Started);
    let reserved = match reserve(world, request, deadline).await {
        Ok(reserved) => reserved,
        Err(error) => {
            emit(StepProgress::Failed);
            return Err(error);
        }
    };
    let (was_there, elapsed) = (reserved.is_continued, started.elapsed());
    let outcome = if was_there { "the slug is this tenant's" } else { "a new tenant" };
    let outcome = format!("{outcome}, {}", reserved.tenant.id);
    emit(StepProgress::Finished { outcome: outcome.clone(), was_there, elapsed });
    Ok((reserved, StepReport { step, outcome, was_there, elapsed }))
}

fn report(
    world: &World,
    request: &CreateRequest,
    tenant: Tenant,
    outcome: CreateOutcome,
    steps: Vec<StepReport>,
    started: Instant,
) -> CreateReport {
    let url = world.address(&tenant, None).map(|url| url.to_string()).unwrap_or_default();
    CreateReport {
        outcome,
        url,
        is_credential_kept: tenant.credential.is_some(),
        seed: match outcome {
            CreateOutcome::AlreadyThere | CreateOutcome::AskedFor => None,
            _ => request.seed.as_ref().map(|set| set.name.clone()),
        },
        steps,
        tenant,
        elapsed: started.elapsed(),
    }
}

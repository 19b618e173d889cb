//! Works on a run until it is over, it is paused, or somebody stops this process.
//!
//! Everything runs in one task, so that events have one order and nothing outlives the command.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::desk::Desk;
use super::error::RunError;
use super::pressure::Pressure;
use super::room::Room;
use super::told::{Ended, after_turn, without_turn};
use crate::adapters::control_plane::{LeasedLine, Run};
use crate::model::{Actor, Interrupt, LineState, RunId, Tenant, TenantNames};
use crate::services::fleet::event::FleetEvent;
use crate::services::fleet::report::TenantVerdict;
use crate::services::fleet::run::those_that_run;
use crate::services::fleet::select::reason_to_skip;
use crate::services::fleet::turn::Turns;

/// What this process brings.
pub(in crate::services::fleet) struct Work<'a> {
    pub(in crate::services::fleet) turns: &'a Turns<'a>,
    pub(in crate::services::fleet) jobs: usize,
    /// For how long what it leases is its own without a word from it.
    pub(in crate::services::fleet) lease: Duration,
    pub(in crate::services::fleet) actor: &'a Actor,
    /// When the command began.
    pub(in crate::services::fleet) started: Instant,
}

/// Where a run stands when this process leaves it.
pub(super) struct Left {
    pub(super) run: Run,
    /// How many results were refused, since another process had the tenant by then.
    pub(super) refused: usize,
}

/// Takes part in a run.
///
/// # Errors
/// When the control plane does not answer, for longer than a run waits for it.
pub(super) async fn work(
    work: &Work<'_>,
    run: RunId,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<Left, RunError> {
    let mut desk =
        Desk::take(&work.turns.world.plane, run, work.actor, (work.jobs, work.lease)).await?;
    let mut pressure = Pressure::new(work.jobs);
    let mut queue = VecDeque::<LeasedLine>::new();
    let mut room: Option<Room> = None;
    let mut pace = None;
    let mut running = FuturesUnordered::new();
    let finishing = interrupt.finishes(those_that_run(0));
    let (began, mut finished) = (Instant::now(), 0_u32);
    let patience = work.turns.world.plane.patience();
    on_event(FleetEvent::Planned {
        tenants: number(desk.counts.all()),
        to_open: number(desk.counts.open()),
    });
    loop {
        let is_late = patience.left().is_some_and(|left| left.is_zero());
        let stops = interrupt.is_raised() || is_late || !desk.run.state.is_going_on();
        if stops && !queue.is_empty() {
            desk.give_back(queue.make_contiguous()).await?;
            queue.clear();
        }
        if stops && running.is_empty() {
            break;
        }
        let mut news = Vec::new();
        if !stops {
            let rate = f64::from(finished) / began.elapsed().as_secs_f64().max(0.1);
            let wanted = desk.wanted(pressure.jobs(), rate);
            let at_hand = queue.len() + running.len();
            if queue.len() <= wanted.saturating_sub(pressure.jobs()) / 2 && at_hand < wanted {
                let leased = desk.lease(wanted - at_hand).await?;
                let world = work.turns.world;
                if room.is_none() {
                    let shared = leased.iter().find_map(|it| world.shared_server(&it.tenant));
                    room = shared.map(Room::on);
                }
                queue.extend(leased);
            }
            if let Some(room) = &mut room
                && let Some(free) = room.measured().await
            {
                pressure.measured(free, running.len());
            }
            let now = (pressure.jobs(), pressure.why());
            if pace.as_ref() != Some(&now) {
                on_event(FleetEvent::Pace { jobs: now.0, why: now.1.clone() });
                pace = Some(now);
            }
            while running.len() < pressure.jobs()
                && let Some(line) = queue.pop_front()
            {
                if let Some(verdict) = verdict_without_turn(work.turns, &line.tenant) {
                    news.push(without_turn(&line, verdict));
                } else {
                    on_event(FleetEvent::Started(TenantNames::from(&line.tenant)));
                    running.push(Box::pin(turn(work.turns, line)));
                }
            }
            finishing.now(those_that_run(running.len()));
        }
        if news.is_empty() {
            tokio::select! {
                Some(ended) = running.next(), if !running.is_empty() => news.push(ended),
                () = tokio::time::sleep_until(desk.wakes_at().into()) => {}
            }
        }
        finishing.now(those_that_run(running.len()));
        let mut is_urgent = running.is_empty() && queue.is_empty() && !news.is_empty();
        for ended in news {
            is_urgent |= ended.told.state == LineState::Failed;
            match ended.held_up {
                Some(why) => pressure.held_up(why),
                None => pressure.went_well(),
            }
            finished += 1;
            desk.note(&ended);
            on_event(match ended.result {
                Some(result) => FleetEvent::Finished(result),
                None => FleetEvent::Postponed(ended.tenant),
            });
        }
        desk.keep_up(pressure.jobs(), is_urgent).await?;
    }
    drop(running);
    let (run, refused) = desk.leave().await?;
    Ok(Left { run, refused })
}

async fn turn(turns: &Turns<'_>, line: LeasedLine) -> Ended {
    let began = Instant::now();
    let turned = turns.take_in_time(&line.tenant).await;
    after_turn(&line, turned, began.elapsed())
}

/// Returns the verdict where what is recorded of a tenant at this moment is enough for one: it may have
/// been locked, deleted or migrated since the run was planned.
fn verdict_without_turn(turns: &Turns<'_>, tenant: &Tenant) -> Option<TenantVerdict> {
    if let Some(reason) = reason_to_skip(tenant) {
        return Some(TenantVerdict::Skipped(reason));
    }
    let wanted = turns.sets.state_at(turns.target).fingerprint;
    let is_there = tenant.schema.as_ref().is_some_and(|schema| schema.fingerprint == wanted);
    (is_there && turns.seed.is_none()).then_some(TenantVerdict::Unchanged)
}

fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

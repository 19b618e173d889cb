//! A process's place at a run: what it has leased, what it has to tell, and that it lives.

use std::time::{Duration, Instant};

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use uuid::Uuid;

use super::error::RunError;
use super::settle::settle;
use super::told::Ended;
use crate::adapters::control_plane::{self, ControlPlane, LeasedLine, Run, RunCounts, Told};
use crate::adapters::postgres::give_life_sign;
use crate::model::{Actor, Classified, ErrorKind, RunId, RunState, TenantId};

/// How many results are told together at most.
const GROUP: usize = 100;

/// How long a result waits for others.
const GATHERING: Duration = Duration::from_millis(250);

/// How many tenants are leased at most.
const MOST: usize = 256;

/// How long the control plane may be away before a process gives up.
const AWAY: Duration = Duration::from_mins(1);

/// One process at a run.
pub(super) struct Desk<'a> {
    plane: &'a ControlPlane,
    pub(super) run: Run,
    pub(super) counts: RunCounts,
    actor: &'a Actor,
    lease: Duration,
    worker: Uuid,
    /// The session that shows that this process lives, and that tells and asks everything.
    life: PoolConnection<Postgres>,
    told: Vec<Told>,
    told_since: Option<Instant>,
    looked_at: Instant,
    /// How many results were refused, since another process had the tenant by then.
    pub(super) refused: usize,
    away_since: Option<Instant>,
}

impl<'a> Desk<'a> {
    /// Takes a place, and lets the run begin where nobody did.
    pub(super) async fn take(
        plane: &'a ControlPlane,
        run: RunId,
        actor: &'a Actor,
        (jobs, lease): (usize, Duration),
    ) -> Result<Self, RunError> {
        let (worker, mut life) = join(plane, run, (jobs, lease)).await?;
        control_plane::free_lines(&mut life, run).await?;
        let (run, counts) = settle(&mut life, run, actor).await?;
        Ok(Self {
            plane,
            run,
            counts,
            actor,
            lease,
            worker,
            life,
            told: Vec::new(),
            told_since: None,
            looked_at: Instant::now(),
            refused: 0,
            away_since: None,
        })
    }

    /// Returns how many tenants to have at hand, for so many at a time and so many a second: half a
    /// second's, and no more than a share of what is left.
    pub(super) fn wanted(&self, jobs: usize, rate: f64) -> usize {
        // A canary that fails stops those that have not begun.
        if self.run.state != RunState::Rolling {
            return jobs;
        }
        let left = usize::try_from(self.counts.pending).unwrap_or(0) / 4;
        let halved = Duration::from_secs_f64((rate / 2.0).clamp(0.0, 256.0)).as_secs();
        let soon = usize::try_from(halved).unwrap_or(MOST).min(left);
        (jobs + soon).min(MOST)
    }

    /// Leases up to so many tenants.
    pub(super) async fn lease(&mut self, limit: usize) -> Result<Vec<LeasedLine>, RunError> {
        let (run, worker) = (self.run.id, self.worker);
        let leased = control_plane::lease_lines(&mut self.life, run, worker, limit).await;
        Ok(self.unless_away(leased)?.unwrap_or_default())
    }

    /// Gives tenants back that were not begun.
    pub(super) async fn give_back(&mut self, lines: &[LeasedLine]) -> Result<(), RunError> {
        let tenants: Vec<TenantId> = lines.iter().map(|line| line.tenant.id).collect();
        let (run, worker) = (self.run.id, self.worker);
        let given = control_plane::give_back_lines(&mut self.life, run, worker, &tenants).await;
        self.unless_away(given).map(drop)
    }

    /// Takes a result in, to be told with others.
    pub(super) fn note(&mut self, ended: &Ended) {
        self.told_since.get_or_insert_with(Instant::now);
        self.told.push(ended.told.clone());
    }

    /// Returns when results have to be told, or it is time to look how the run stands.
    pub(super) fn wakes_at(&self) -> Instant {
        let look = self.looked_at + self.pause();
        self.told_since.map_or(look, |since| look.min(since + GATHERING))
    }

    /// Tells what has to be told by now, and looks how the run stands where it is time to.
    ///
    /// `is_urgent` where nothing else is under way, or something failed.
    pub(super) async fn keep_up(&mut self, jobs: usize, is_urgent: bool) -> Result<(), RunError> {
        let now = Instant::now();
        let is_due = self.told_since.is_some_and(|since| now >= since + GATHERING);
        if !self.told.is_empty() && (is_due || is_urgent || self.told.len() >= GROUP) {
            self.tell().await?;
        }
        if is_urgent || now >= self.looked_at + self.pause() {
            self.look(jobs).await?;
        }
        Ok(())
    }

    /// Tells everything, gives back what was leased, and ends the part of this process.
    pub(super) async fn leave(mut self) -> Result<(Run, usize), RunError> {
        while !self.told.is_empty() {
            self.tell().await?;
            if !self.told.is_empty() {
                tokio::time::sleep(GATHERING).await;
                self.look(0).await?;
            }
        }
        control_plane::leave_run(&mut self.life, self.worker).await?;
        let (run, _) = settle(&mut self.life, self.run.id, self.actor).await?;
        // Its sign ends with it.
        drop(self.life.close().await);
        Ok((run, self.refused))
    }

    /// Returns how long to wait between two looks.
    fn pause(&self) -> Duration {
        // Another process's failure may be the one too many.
        let often = if self.run.failure_limit.is_some() { 250 } else { 1000 };
        (self.lease / 4).min(Duration::from_millis(often))
    }

    async fn tell(&mut self) -> Result<(), RunError> {
        if self.told.is_empty() {
            return Ok(());
        }
        let (run, worker) = (self.run.id, self.worker);
        let written = control_plane::tell_lines(&mut self.life, run, worker, &self.told).await;
        if let Some(written) = self.unless_away(written)? {
            self.refused += self.told.len() - written.len();
            self.told.clear();
            self.told_since = None;
        }
        Ok(())
    }

    /// Renews the lease, frees what others left behind, and lets the run go on.
    async fn look(&mut self, jobs: usize) -> Result<(), RunError> {
        self.looked_at = Instant::now();
        self.plane.end_spare_sessions().await;
        let renewing = control_plane::renew(&mut self.life, self.worker, jobs, self.lease).await;
        if !renewing.unwrap_or(false) {
            // Its session ended, or it slept for too long: what it had is others' by now.
            let joined = join(self.plane, self.run.id, (jobs, self.lease)).await;
            if let Some((worker, life)) = self.unless_away(joined)? {
                (self.worker, self.life) = (worker, life);
            }
        }
        let looking = async {
            control_plane::free_lines(&mut self.life, self.run.id).await?;
            settle(&mut self.life, self.run.id, self.actor).await
        };
        let looked = looking.await;
        if let Some((run, counts)) = self.unless_away(looked)? {
            (self.run, self.counts) = (run, counts);
        }
        Ok(())
    }

    /// Returns the answer, or nothing where the control plane is away and may come back.
    fn unless_away<T, E: Into<RunError>>(
        &mut self,
        answer: Result<T, E>,
    ) -> Result<Option<T>, RunError> {
        match answer.map_err(Into::into) {
            Ok(answer) => {
                self.away_since = None;
                Ok(Some(answer))
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let since = *self.away_since.get_or_insert_with(Instant::now);
                let limit = self.plane.patience().bound(AWAY);
                if since.elapsed() < limit { Ok(None) } else { Err(self.stopped(error)) }
            }
            Err(error) => Err(self.stopped(error)),
        }
    }

    fn stopped(&self, error: RunError) -> RunError {
        RunError::Stopped { run: self.run.id, source: Box::new(error) }
    }
}

async fn join(
    plane: &ControlPlane,
    run: RunId,
    (jobs, lease): (usize, Duration),
) -> Result<(Uuid, PoolConnection<Postgres>), RunError> {
    let mut life = plane.session().await?;
    plane.end_spare_sessions().await;
    let sign = give_life_sign(&mut life).await.map_err(control_plane::ControlPlaneError::from)?;
    let sign = sign.ok_or(RunError::Pooled(run))?;
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let holder = format!("{machine}:{}", std::process::id());
    let worker = control_plane::join_run(&mut life, run, (&holder, jobs), sign, lease).await?;
    Ok((worker, life))
}

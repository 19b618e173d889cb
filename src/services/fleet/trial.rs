//! Who gets an operator's own migrations first.
//!
//! In a cluster it is a clean build, before any tenant. Where none can be made, in Supabase projects
//! and for files that need what only a tenant has, it is one tenant: the others wait until its database
//! was judged, and none of them is touched when it was found open.

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::event::FleetEvent;
use super::select::reason_to_skip;
use crate::model::{Placement, SchemaVersion, Tenant};
use crate::services::home::World;
use crate::services::migration::{CleanBuilds, MigrationError, Sets};

/// How the migrations stand.
enum State {
    /// Nobody had them yet.
    Untried,
    Passed,
    /// What they let in, in the one database that has them.
    Refused(String),
}

/// The migrations that are to be applied.
pub(super) struct Wanted<'a> {
    pub(super) sets: &'a Sets,
    pub(super) target: Option<SchemaVersion>,
    /// Until when a clean build may take.
    pub(super) deadline: Instant,
    pub(super) on_event: &'a dyn Fn(FleetEvent),
}

pub(super) struct Trial {
    state: Mutex<State>,
    /// Where a clean build was judged.
    judged: Option<Placement>,
}

/// The first tenant's turn; the others wait for its end.
pub(super) struct First<'t>(MutexGuard<'t, State>);

impl Trial {
    /// Judges the request's migrations, where a tenant lacks some that are the operator's own.
    ///
    /// # Errors
    /// When they would let a client past row security; no tenant has them then.
    pub(super) async fn of(
        world: &World,
        wanted: &Wanted<'_>,
        tenants: &[Tenant],
    ) -> Result<Self, MigrationError> {
        let lacking: Vec<_> = tenants.iter().filter(|it| lacks_own(it, wanted)).collect();
        let clean = CleanBuilds::new(world, wanted.sets);
        let mut judged = lacking.iter().map(|it| it.placement).find(|it| clean.can_judge(*it));
        if judged.is_some() {
            (wanted.on_event)(FleetEvent::Trying);
        }
        if let Some(placement) = judged
            && !clean.judge(placement, wanted.target, wanted.deadline).await?
        {
            judged = None;
        }
        let state = if lacking.is_empty() { State::Passed } else { State::Untried };
        Ok(Self { state: Mutex::new(state), judged })
    }

    /// Returns the first tenant's turn, or nothing when the migrations have passed.
    ///
    /// # Errors
    /// When the first tenant's database was found open.
    pub(super) async fn enter(&self, tenant: &Tenant) -> Result<Option<First<'_>>, MigrationError> {
        if self.judged == Some(tenant.placement) {
            return Ok(None);
        }
        let state = self.state.lock().await;
        match &*state {
            State::Passed => Ok(None),
            State::Untried => Ok(Some(First(state))),
            State::Refused(tenant) => Err(MigrationError::NotReady(format!(
                "not begun, since these migrations let clients past row security in `{tenant}`"
            ))),
        }
    }
}

impl First<'_> {
    /// Lets the others go on, or not.
    pub(super) fn over(mut self, tenant: &Tenant, error: Option<&MigrationError>) {
        match error {
            None => *self.0 = State::Passed,
            Some(MigrationError::Exposed { .. }) => {
                *self.0 = State::Refused(tenant.slug.to_string());
            }
            // It says nothing of the migrations; the next one is tried.
            Some(_) => {}
        }
    }
}

fn lacks_own(tenant: &Tenant, wanted: &Wanted<'_>) -> bool {
    let at = tenant.schema.as_ref().and_then(|schema| schema.version);
    let is_pending = |own| at.is_none_or(|at| own > at);
    reason_to_skip(tenant).is_none() && wanted.sets.own_up_to(wanted.target).any(is_pending)
}

//! A tenant's home, found for a lockdown or a revocation: soon, or not at all; and found again when
//! another command ended our login.

use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::Instant;

use super::evidence::missing_place;
use super::world::{World, is_login_replaced};
use crate::adapters::server::{Home, ServerError};
use crate::model::{Classified, ErrorKind, Patience, Placement, Tenant};

/// How long the way to a tenant's server may take to be found: an operator on call waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Why the tenant's server could not be reached; asking again at once would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reach the tenant's server: {0}")]
pub(crate) struct Away(String);

impl Classified for Away {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
}

/// A tenant's home, found once for all that is done there.
///
/// A project hands out one login at a time: another command that asks for one ends ours, and then
/// it is found again.
pub(crate) struct RenewableHome<'a> {
    world: &'a World,
    tenant: &'a Tenant,
    deadline: Instant,
    /// How often it was found, and what was found last; nothing where the tenant has no database.
    found: RwLock<(u32, Result<Option<Home>, Away>)>,
}

impl<'a> RenewableHome<'a> {
    /// Finds it.
    pub(crate) async fn find(world: &'a World, tenant: &'a Tenant, patience: Patience) -> Self {
        // Who finds it wants to try afterwards what is left open.
        let deadline = patience.leaving_time().until_within(PATIENCE);
        let home = Self { world, tenant, deadline, found: RwLock::new((0, Ok(None))) };
        home.renew(0).await;
        home
    }

    /// Returns the home; nothing where the tenant never came to have a database.
    pub(crate) async fn get(&self) -> Result<Option<Home>, Away> {
        self.found.read().await.1.clone()
    }

    /// Returns whether the tenant has an Auth of its own: that of its project.
    pub(crate) fn has_own_auth(&self) -> bool {
        self.tenant.placement == Placement::Project
    }

    /// Returns how often it was found.
    pub(crate) async fn count(&self) -> u32 {
        self.found.read().await.0
    }

    /// Finds it again, unless that happened since it had been found so many times.
    pub(crate) async fn renew(&self, count: u32) {
        let mut found = self.found.write().await;
        if found.0 == count {
            *found = (count + 1, Box::pin(self.look()).await);
        }
    }

    /// Returns whether our login was ended by another command that asked for one, and there is time
    /// to get another.
    pub(crate) fn is_worth_renewing(&self, error: &ServerError) -> bool {
        is_login_replaced(self.tenant, error) && Instant::now() < self.deadline
    }

    async fn look(&self) -> Result<Option<Home>, Away> {
        if missing_place(self.tenant) {
            return Ok(None);
        }
        let found = self.world.home(self.tenant, self.deadline).await;
        found.map(Some).map_err(|error| Away(error.chain().join(": ")))
    }
}

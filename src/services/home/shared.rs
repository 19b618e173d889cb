//! Which tenants share a server with others.

use super::world::World;
use crate::adapters::server::Server;
use crate::model::{Placement, Tenant};

impl World {
    /// Returns the server that a tenant shares with others, if it does.
    pub(crate) fn shared_server(&self, tenant: &Tenant) -> Option<&Server> {
        match tenant.placement {
            Placement::Database => Some(self.homes.cluster()),
            Placement::Project => None,
        }
    }
}

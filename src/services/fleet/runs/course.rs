//! How a run goes on: from where its tenants stand to where it stands itself.
//!
//! Pure: who calls it holds the run's row and writes what it says.

use crate::adapters::control_plane::RunCounts;
use crate::model::RunState;

/// Where a run goes next, and why where a person would ask.
pub(super) type Next = Option<(RunState, Option<String>)>;

/// Returns where a run goes from here; nothing when it stays.
pub(super) fn next(state: RunState, counts: &RunCounts, limit: Option<usize>) -> Next {
    if state.is_over() {
        return None;
    }
    if counts.open() == 0 {
        let ending = match counts.failed {
            0 => RunState::Completed,
            _ => RunState::CompletedWithFailures,
        };
        return Some((ending, None));
    }
    if state == RunState::Planned {
        return Some((beginning(counts), None));
    }
    if state == RunState::Paused {
        return None;
    }
    let pause = |why: String| Some((RunState::Paused, Some(why)));
    if counts.alarming > 0 {
        return pause(match counts.alarming {
            1 => "a tenant's database contradicts the migrations".to_owned(),
            many => format!("{many} tenants' databases contradict the migrations"),
        });
    }
    if state == RunState::Canary && counts.failed_canaries > 0 {
        return pause(match counts.failed_canaries {
            1 => "a canary failed".to_owned(),
            many => format!("{many} canaries failed"),
        });
    }
    if let Some(limit) = limit
        && usize::try_from(counts.failed_since).is_ok_and(|failed| failed > limit)
    {
        let allowed = if limit == 0 { "none".to_owned() } else { limit.to_string() };
        return pause(format!("{} failed, and {allowed} may", counts.failed_since));
    }
    if state == RunState::Canary && counts.open_canaries == 0 {
        return Some((RunState::Rolling, None));
    }
    None
}

/// Returns where a run begins, or goes on when it is resumed.
pub(super) fn beginning(counts: &RunCounts) -> RunState {
    if counts.open_canaries > 0 { RunState::Canary } else { RunState::Rolling }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: RunCounts = RunCounts {
        pending: 5,
        leased: 2,
        done: 3,
        unchanged: 0,
        failed: 0,
        skipped: 0,
        open_canaries: 0,
        failed_since: 0,
        failed_canaries: 0,
        alarming: 0,
    };

    fn word(state: RunState, counts: &RunCounts, limit: Option<usize>) -> String {
        next(state, counts, limit).map_or("stays".to_owned(), |(state, why)| {
            format!("{} {}", state.word(), why.unwrap_or_default()).trim().to_owned()
        })
    }

    #[test]
    fn the_canaries_go_first_and_must_be_clean() {
        let waiting = RunCounts { open_canaries: 1, ..OPEN };
        assert_eq!(word(RunState::Planned, &waiting, None), "canary");
        assert_eq!(word(RunState::Canary, &waiting, None), "stays");
        let failed = RunCounts { failed: 1, failed_since: 1, failed_canaries: 1, ..waiting };
        assert_eq!(word(RunState::Canary, &failed, Some(50)), "paused a canary failed");
        assert_eq!(word(RunState::Canary, &OPEN, None), "rolling");
        assert_eq!(word(RunState::Planned, &OPEN, None), "rolling");
    }

    #[test]
    fn beyond_the_limit_nothing_new_starts_and_what_was_forgiven_does_not_count() {
        let failed = RunCounts { failed: 3, failed_since: 3, ..OPEN };
        assert_eq!(word(RunState::Rolling, &failed, None), "stays");
        assert_eq!(word(RunState::Rolling, &failed, Some(3)), "stays");
        assert_eq!(word(RunState::Rolling, &failed, Some(2)), "paused 3 failed, and 2 may");
        assert_eq!(word(RunState::Rolling, &failed, Some(0)), "paused 3 failed, and none may");
        let forgiven = RunCounts { failed_since: 0, ..failed };
        assert_eq!(word(RunState::Rolling, &forgiven, Some(0)), "stays");
    }

    #[test]
    fn a_contradiction_pauses_at_once_and_nothing_leaves_a_pause_by_itself_but_its_end() {
        let alarming = RunCounts { failed: 1, failed_since: 1, alarming: 1, ..OPEN };
        for state in [RunState::Canary, RunState::Rolling] {
            assert!(word(state, &alarming, Some(9)).starts_with("paused a tenant's database"));
        }
        assert_eq!(word(RunState::Paused, &alarming, None), "stays");
        let all = RunCounts { pending: 0, leased: 0, ..alarming };
        assert_eq!(word(RunState::Paused, &all, None), "completed_with_failures");
        let clean = RunCounts { failed: 0, failed_since: 0, alarming: 0, ..all };
        assert_eq!(word(RunState::Canary, &clean, None), "completed");
        assert_eq!(word(RunState::Cancelled, &clean, None), "stays");
    }
}

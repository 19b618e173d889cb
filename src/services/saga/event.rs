//! What a saga tells while it runs.

use std::time::Duration;

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepProgress {
    /// It began.
    Started,
    /// It waits for something that takes its time; in a few words, what was seen last.
    Waiting {
        /// What was seen.
        said: String,
        /// How long it has waited.
        elapsed: Duration,
    },
    /// Its effect is there; in a few words, what was done or found.
    Finished {
        /// What was done or found.
        outcome: String,
        /// Whether an earlier run had made it.
        was_there: bool,
        elapsed: Duration,
    },
    /// It was left for a later run, as was asked; in a few words, what was seen.
    PutOff {
        /// What was seen.
        said: String,
    },
    /// It failed; the error itself comes back from the saga.
    Failed,
}

/// One event of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepEvent {
    /// The step's word.
    pub step: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Where it stands.
    pub progress: StepProgress,
}

/// A finished step, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepReport {
    /// The step's word.
    pub step: &'static str,
    /// What was done or found.
    pub outcome: String,
    /// Whether an earlier run had made it.
    pub was_there: bool,
    pub elapsed: Duration,
}

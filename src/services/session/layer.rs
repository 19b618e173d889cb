//! One layer of a cut, with its own result and time.

use std::time::Duration;

use crate::model::Classified;

/// How one layer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerVerdict {
    /// It was cut, or given back.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// There is no such layer here.
    Absent,
    /// It failed; what, with its causes.
    Failed(Vec<String>),
}

/// One layer's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerReport {
    /// Its word: `control_plane`, `gate`, `auth`, `connections`.
    pub layer: &'static str,
    /// How it ended.
    pub verdict: LayerVerdict,
    /// What was done, in a few words.
    pub detail: String,
    /// How long it took.
    pub elapsed: Duration,
    /// How long after the command began it was over.
    pub at: Duration,
}

impl LayerReport {
    /// Returns whether the layer failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.verdict, LayerVerdict::Failed(_))
    }
}

/// Returns what failed, with its causes.
pub(super) fn chain(error: &dyn Classified) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if chain.last() != Some(&text) {
            chain.push(text);
        }
        source = cause.source();
    }
    chain
}

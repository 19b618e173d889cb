//! The runner: a step's intent is recorded before it acts, its result after it; done, failed or
//! stopped by the operator.

use std::time::Instant;

use super::event::{StepEvent, StepProgress, StepReport};
use super::fault;
use super::journal::Journal;
use super::step::{Made, SagaStep};
use crate::adapters::control_plane::{self, ControlPlaneError};
use crate::model::{Classified, Finishing, InternalError, Interrupt};

/// Why a saga did not reach its end; the operation stays open.
#[derive(Debug)]
pub(crate) enum Halt<E> {
    /// A step failed.
    Failed {
        step: &'static str,
        /// What people read.
        title: &'static str,
        error: E,
    },
    /// A step was left for a later run, as was asked.
    PutOff { step: &'static str },
    /// The operator stopped it between two steps.
    Interrupted {
        /// The step that would have come next.
        next: &'static str,
        /// What people read.
        title: &'static str,
    },
}

/// A saga under way. Its steps are called one after the other; each takes what the ones before made
/// and may run again after a crash, so it looks before it acts.
pub(crate) struct Run<'a> {
    journal: &'a mut Journal,
    interrupt: &'a Interrupt,
    on_event: &'a dyn Fn(StepEvent),
    reports: Vec<StepReport>,
    /// The step in hand, which a first signal does not cut short.
    finishing: Finishing,
}

impl<'a> Run<'a> {
    /// Returns a run of which no step was called yet.
    pub(crate) fn new(
        journal: &'a mut Journal,
        interrupt: &'a Interrupt,
        on_event: &'a dyn Fn(StepEvent),
    ) -> Self {
        let finishing = interrupt.finishes("the step in hand");
        Self { journal, interrupt, on_event, reports: Vec::new(), finishing }
    }

    /// Returns what the steps did.
    pub(crate) fn finish(self) -> Vec<StepReport> {
        self.reports
    }

    /// Runs a step under its own title.
    pub(crate) async fn step<T, E>(
        &mut self,
        step: impl SagaStep,
        act: impl AsyncFnOnce(&mut Journal, i32) -> Result<Made<T>, E>,
    ) -> Result<T, Halt<E>>
    where
        E: Classified + From<ControlPlaneError> + From<InternalError>,
    {
        self.titled(step, step.title(), act).await
    }

    /// Runs a step under another title. `act` gets the journal and the number of intents recorded
    /// for this step, this one included; the last step closes the operation in the transaction that
    /// makes its effect.
    pub(crate) async fn titled<T, E>(
        &mut self,
        step: impl SagaStep,
        title: &'static str,
        act: impl AsyncFnOnce(&mut Journal, i32) -> Result<Made<T>, E>,
    ) -> Result<T, Halt<E>>
    where
        E: Classified + From<ControlPlaneError> + From<InternalError>,
    {
        let step = step.word();
        if self.interrupt.is_raised() {
            return Err(Halt::Interrupted { next: step, title });
        }
        let emit = |progress| (self.on_event)(StepEvent { step, title, progress });
        let started = Instant::now();
        emit(StepProgress::Started);
        self.finishing.now(format!("the step `{title}`"));
        match one(self.journal, step, self.reports.last(), act).await {
            Ok(Made { value, outcome, was_there }) => {
                let elapsed = started.elapsed();
                emit(StepProgress::Finished { outcome: outcome.clone(), was_there, elapsed });
                self.reports.push(StepReport { step, outcome, was_there, elapsed });
                Ok(value)
            }
            Err(error) if error.is_put_off() => {
                emit(StepProgress::PutOff { said: error.to_string() });
                Err(Halt::PutOff { step })
            }
            Err(error) => {
                emit(StepProgress::Failed);
                let text = format!("{step}: {}", error.chain().join(": "));
                let (connection, lease) = (&mut self.journal.connection, &self.journal.lease);
                // The step's own error is what the operator needs; the journal's copy is for
                // `tenant show`.
                drop(control_plane::note_failure(connection, lease, &text).await);
                Err(Halt::Failed { step, title, error })
            }
        }
    }
}

async fn one<T, E>(
    journal: &mut Journal,
    step: &'static str,
    before: Option<&StepReport>,
    act: impl AsyncFnOnce(&mut Journal, i32) -> Result<Made<T>, E>,
) -> Result<Made<T>, E>
where
    E: From<ControlPlaneError> + From<InternalError>,
{
    let finished = before.map(|report| (report.step, report.outcome.as_str()));
    let attempt =
        control_plane::advance(&mut journal.connection, &journal.lease, finished, step).await?;
    fault::at(step, "before").await?;
    let made = act(journal, attempt).await?;
    fault::at(step, "after").await?;
    Ok(made)
}

//! The runner: intent, look, act, result; step by step, until done, failed or stopped.

use std::time::Instant;

use sqlx::postgres::PgConnection;

use super::{Look, Saga, SagaStep, StepEvent, StepProgress, StepReport, fault};
use crate::adapters::control_plane::{self, ControlPlaneError, Lease};
use crate::model::{Classified, Interrupt};

/// The session that holds the operation's lock, and the lease it writes under.
///
/// Every record is written on the very session that holds the lock: when that session is lost, so
/// are the lock and the means to write.
#[derive(Debug)]
pub struct Journal {
    /// The session.
    pub connection: PgConnection,
    /// The lease.
    pub lease: Lease,
}

/// Why a saga did not reach its end.
#[derive(Debug)]
pub enum Halt<E> {
    /// A step failed; the operation stays open.
    Failed {
        /// The step.
        step: &'static str,
        /// Why.
        error: E,
    },
    /// The operator stopped it between two steps; the operation stays open.
    Interrupted {
        /// The step that would have come next.
        next: &'static str,
    },
}

/// Runs a saga from its first step; steps whose effect is there only look.
///
/// # Errors
/// The first step that fails, or the operator's wish to stop.
pub async fn run<S: Saga>(
    saga: &mut S,
    journal: &mut Journal,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<Vec<StepReport>, Halt<S::Error>> {
    let mut reports: Vec<StepReport> = Vec::new();
    for step in saga.steps() {
        if interrupt.is_raised() {
            return Err(Halt::Interrupted { next: step.word() });
        }
        let title = saga.title(step);
        let emit = |progress| {
            on_event(StepEvent { step: step.word(), title, progress });
        };
        let started = Instant::now();
        emit(StepProgress::Started);
        let done = one(saga, journal, step, reports.last()).await;
        match done {
            Ok((outcome, was_there)) => {
                let elapsed = started.elapsed();
                let finished =
                    StepProgress::Finished { outcome: outcome.clone(), was_there, elapsed };
                emit(finished);
                reports.push(StepReport { step: step.word(), outcome, was_there, elapsed });
            }
            Err(error) => {
                emit(StepProgress::Failed);
                let text = error.chain().join(": ");
                let text = format!("{}: {text}", step.word());
                let (connection, lease) = (&mut journal.connection, &journal.lease);
                let noted = control_plane::note_failure(connection, lease, &text);
                // The step's own error is what the operator needs; the note is for who looks later.
                drop(noted.await);
                return Err(Halt::Failed { step: step.word(), error });
            }
        }
    }
    Ok(reports)
}

async fn one<S: Saga>(
    saga: &mut S,
    journal: &mut Journal,
    step: S::Step,
    before: Option<&StepReport>,
) -> Result<(String, bool), S::Error> {
    let finished = before.map(|report| (report.step, report.outcome.as_str()));
    let attempt =
        control_plane::advance(&mut journal.connection, &journal.lease, finished, step.word())
            .await?;
    if fault::at(step.word(), "before").await == Some(fault::Fault::Fail) {
        return Err(ControlPlaneError::Changed("anything: a test asked for this failure").into());
    }
    let (outcome, was_there) = match saga.look(step).await? {
        Look::Done(seen) => (seen, true),
        Look::Needed => (saga.act(step, attempt, journal).await?, false),
    };
    if fault::at(step.word(), "after").await == Some(fault::Fault::Fail) {
        return Err(ControlPlaneError::Changed("anything: a test asked for this failure").into());
    }
    Ok((outcome, was_there))
}

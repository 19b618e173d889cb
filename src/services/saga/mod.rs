//! Named steps that look, act and record, so that any of them may run again. Knows nothing of
//! tenants.

mod event;
mod fault;
mod journal;
mod run;
mod step;

pub(crate) use event::{StepEvent, StepProgress, StepReport};
pub(crate) use journal::Journal;
pub(crate) use run::{Halt, Run};
pub(crate) use step::{Made, SagaStep};

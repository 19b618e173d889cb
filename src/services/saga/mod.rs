//! Named steps that look, act and record, so that any of them may run again.
//!
//! The intent of a step is committed to the journal before its effect, its result after it. This
//! room knows the journal and nothing of tenants.

mod event;
mod fault;
mod run;
mod step;

pub use event::{StepEvent, StepProgress, StepReport};
pub use run::{Halt, Journal, run};
pub use step::{Look, Saga, SagaStep};

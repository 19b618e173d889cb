//! Named steps that look, act and record, so that any of them may run again. Knows nothing of
//! tenants.

mod event;
mod fault;
mod journal;
mod run;
mod step;

pub use event::{StepEvent, StepProgress, StepReport};
pub use journal::Journal;
pub use run::{Halt, Run};
pub use step::{Made, SagaStep};

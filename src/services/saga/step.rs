//! What a saga is made of.

use crate::adapters::control_plane::ControlPlaneError;
use crate::model::Classified;

use super::Journal;

/// A step's name: a word for the journal, a phrase for people.
pub trait SagaStep: Copy {
    /// Returns the word the journal, JSON and failpoints use.
    fn word(self) -> &'static str;

    /// Returns what people read while it runs.
    fn title(self) -> &'static str;
}

/// What a look at the world found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The step's effect is there already; in a few words, what was seen.
    Done(String),
    /// The step has to act.
    Needed,
}

/// A list of steps and what each does.
#[expect(async_fn_in_trait, reason = "sagas run in the command's own task and are never spawned")]
pub trait Saga {
    /// Its steps.
    type Step: SagaStep;
    /// What can go wrong.
    type Error: Classified + From<ControlPlaneError>;

    /// Returns the steps in order.
    fn steps(&self) -> Vec<Self::Step>;

    /// Returns what people read while a step runs.
    fn title(&self, step: Self::Step) -> &'static str {
        step.title()
    }

    /// Looks whether a step's effect is there.
    async fn look(&mut self, step: Self::Step) -> Result<Look, Self::Error>;

    /// Makes a step's effect, in a way that may be repeated, and returns in a few words what came
    /// of it. `attempt` counts the intents recorded for it, this one included. The last step closes
    /// the operation in the journal in the transaction that makes its effect.
    async fn act(
        &mut self,
        step: Self::Step,
        attempt: i32,
        journal: &mut Journal,
    ) -> Result<String, Self::Error>;
}

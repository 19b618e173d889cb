//! The steps of creating a tenant, by name: place → await → secure → register → migrate → seed →
//! verify → activate.

use super::request::CreateRequest;
use crate::services::home::placing_title;
use crate::services::saga::SagaStep;

/// The step before the saga, by word and title.
pub(in crate::services::tenant) const RESERVE: (&str, &str) = ("reserve", "Reserve the slug");

/// A step of creating a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::services::tenant) enum Step {
    Place,
    Await,
    Secure,
    Register,
    Migrate,
    Seed,
    Verify,
    Activate,
}

/// Every step there is.
pub(in crate::services::tenant) const STEPS: [Step; 8] = [
    Step::Place,
    Step::Await,
    Step::Secure,
    Step::Register,
    Step::Migrate,
    Step::Seed,
    Step::Verify,
    Step::Activate,
];

impl SagaStep for Step {
    fn word(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Await => "await",
            Self::Secure => "secure",
            Self::Register => "register",
            Self::Migrate => "migrate",
            Self::Seed => "seed",
            Self::Verify => "verify",
            Self::Activate => "activate",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Place => "Create the database",
            Self::Await => "Wait until it works",
            Self::Secure => "Secure and stamp it",
            Self::Register => "Register the connection",
            Self::Migrate => "Migrate the schema",
            Self::Seed => "Seed sample data",
            Self::Verify => "Verify with a real login",
            Self::Activate => "Activate the tenant",
        }
    }
}

/// Returns a step's title, as it is for what is asked for.
pub(super) fn title_of(step: Step, request: &CreateRequest) -> &'static str {
    match step {
        Step::Place if request.adopts.is_some() => "Adopt it",
        Step::Migrate if request.baseline.is_some() => "Record what it has",
        Step::Place => placing_title(request.placement),
        step => step.title(),
    }
}

/// Returns the steps of a request, in their order.
pub(super) fn steps_of(request: &CreateRequest) -> Vec<Step> {
    let mut steps = vec![Step::Place];
    if request.placement.is_awaited() {
        steps.push(Step::Await);
    }
    steps.extend([Step::Secure, Step::Register]);
    if request.migrates || request.baseline.is_some() {
        steps.push(Step::Migrate);
    }
    if request.seed.is_some() {
        steps.push(Step::Seed);
    }
    steps.extend([Step::Verify, Step::Activate]);
    steps
}

//! Whether each server we need can be reached.

mod check;

pub(crate) use check::{Check, CheckOutcome, HealthReport, HealthRequest, check};

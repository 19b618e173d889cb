//! Whether each server we need can be reached.

mod advice;
mod check;

pub(crate) use crate::adapters::control_plane::FleetFacts;
pub(crate) use advice::Advice;
pub(crate) use check::{Check, CheckOutcome, HealthReport, HealthRequest, check};

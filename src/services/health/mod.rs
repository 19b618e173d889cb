//! Can we reach what we need: each thing asked once, all at the same time, with what it took.

mod check;

pub use check::{Check, HealthReport, HealthRequest, Verdict, check};

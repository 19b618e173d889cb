//! What tenantctl decides: the sagas, the plans, the judgements.
//!
//! A service takes a complete request, emits events and returns a report. It never prints, prompts,
//! or reads a flag or the environment.

pub mod audit;
pub mod health;
pub mod local;
pub mod migration;
pub mod place;
pub mod saga;
pub mod session;
pub mod tenant;
pub mod token;

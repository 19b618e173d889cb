//! What tenantctl decides: the sagas, the plans, the judgements.
//!
//! A service takes a complete request, emits events and returns a report. It never prints, prompts,
//! or reads a flag or the environment.

pub mod audit;
pub mod fleet;
pub mod health;
pub mod home;
pub mod local;
pub mod lockdown;
pub mod migration;
pub mod saga;
pub mod session;
pub mod tenant;
pub mod token;

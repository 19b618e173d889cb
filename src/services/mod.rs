//! What tenantctl decides: the sagas, the plans, the judgements.
//!
//! A service takes a complete request, emits events and returns a report. It never prints, prompts,
//! or reads a flag or the environment.

pub(crate) mod audit;
pub(crate) mod fleet;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod local;
pub(crate) mod lockdown;
pub(crate) mod member;
pub(crate) mod migration;
pub(crate) mod saga;
pub(crate) mod session;
pub(crate) mod tenant;
pub(crate) mod token;

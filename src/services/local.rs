//! The private local Postgres, as commands and `output` see it.
//!
//! The adapter does all of it and nothing has to be decided on the way, so this room only passes
//! its names on: without it two more rooms would have to know an adapter.

pub(crate) use crate::adapters::local::{
    LocalDestroyed, LocalDown, LocalEndpoint, LocalEvent, LocalStatus, LocalUp, Psql, UpOutcome,
};

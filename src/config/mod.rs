//! Settings: flags over environment over files over defaults, resolved once.
//!
//! Every value keeps its origin, which `-v` shows. This room knows neither clap nor the adapters, and
//! contacts nothing.

mod defaults;
mod documented;
mod env;
mod error;
mod file;
mod layers;
mod secret_file;
mod setting;
mod settings;
mod spec;

pub(crate) use documented::{Documented, documented};
pub(crate) use env::{environment, unknown_variables};
pub(crate) use layers::{Flags, Profile};
pub(crate) use secret_file::read_secret;
pub(crate) use setting::{Origin, Setting};
pub(crate) use settings::{Explained, Settings, resolve};

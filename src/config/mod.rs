//! Settings: flags over environment over files over defaults, resolved once.
//!
//! Every value keeps its origin, which `-v` shows. This room knows neither clap nor the adapters, and
//! contacts nothing.

mod defaults;
mod env;
mod error;
mod file;
mod layers;
mod secret_file;
mod setting;
mod settings;
mod spec;

pub use env::environment;
pub use layers::Flags;
pub use secret_file::read_secret;
pub use setting::{Origin, Setting};
pub use settings::{Settings, resolve};

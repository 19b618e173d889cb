//! Settings, from flags over environment over files over defaults, resolved once.
//!
//! Every value remembers where it came from, so that `-v` can say so. This room knows neither clap
//! nor the adapters: it reads texts and checks what it can without contacting anything.

mod env;
mod error;
mod file;
mod secret_file;
mod settings;

pub use env::{Environment, environment};
pub use error::ConfigError;
pub use secret_file::read_secret;
pub use settings::{Flags, Origin, Setting, Settings, resolve};
